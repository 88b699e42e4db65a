"""Sizes as people write them: ``512MiB``, ``1GiB``, ``64kB``, ``4096B``.

The unit is part of a size: a bare number would be bytes to one and kilobytes to another
(``ulimit -v``).  The units of two letters count by thousands, those with an ``i`` by
1,024 (IEC 80000-13).  The canonical form has the largest unit by 1,024 that leaves a
whole number.
"""

from __future__ import annotations

import re
from typing import Final

#: Bytes in each unit, by its name in lower case.  The canonical ones first, largest first.
_UNITS: Final = {
    "tib": 1024**4,
    "gib": 1024**3,
    "mib": 1024**2,
    "kib": 1024,
    "b": 1,
    "tb": 1000**4,
    "gb": 1000**3,
    "mb": 1000**2,
    "kb": 1000,
}

#: How the canonical units are written.
_WRITTEN: Final = ("TiB", "GiB", "MiB", "KiB", "B")

#: No size of ours needs to be larger, bytes; it fits into every limit of the kernel.
LARGEST: Final = 1024 * _UNITS["tib"]


def parse_size(text: str) -> int:
    """Read *text* as a number of bytes.

    Raises:
        ValueError: no whole number with a unit, nothing, or more than 1,024 TiB.

    >>> parse_size("64KiB"), parse_size("64 kB")
    (65536, 64000)
    """
    match = re.fullmatch(r"([0-9]{1,18})\s*([A-Za-z]{1,3})", text.strip())
    if not match or match[2].lower() not in _UNITS:
        raise ValueError(f"{text!r} is not a size; write a number and B, KiB, MiB or GiB: 512MiB")
    size = int(match[1]) * _UNITS[match[2].lower()]
    if not 1 <= size <= LARGEST:
        raise ValueError(f"{text!r} is not between 1B and 1024TiB")
    return size


def format_size(size: int) -> str:
    """Write *size*, bytes, in the canonical form.

    >>> format_size(512 * 1024**2), format_size(64_000)
    ('512MiB', '64000B')
    """
    unit = next(unit for unit in _WRITTEN if size % _UNITS[unit.lower()] == 0)
    return f"{size // _UNITS[unit.lower()]}{unit}"
