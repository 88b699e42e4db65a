"""Keeping secrets out of what is kept of a run: its output, and the words about its end.

Wherever a secret's value stands it is replaced by ``[secret NAME]``; also where it is written
in one of the usual ways: percent-encoded, in base64 (alone or as a part of something longer),
within a JSON string, quoted for a shell, in HTML.  Of a value of several lines each line counts by
itself, as it is: keys are printed with other line ends, indented, and in part.

Rules
-----
1. Bytes are looked at as they come, before anything is dropped of a long output: a value is
   found across the borders of what is read, and never kept in part because the rest was cut.
2. At one place the longest spelling counts; what is put in is not looked at again.
3. Short lines, and the frames of PEM, stand in many texts and give nothing away: they stay.
4. This keeps accidents out of histories and logs.  A target that means to give a secret away can
   write it backwards.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heapreplace
from typing import Final
from urllib.parse import quote, quote_plus

from executor.domain.secret import SHORTEST

#: Bytes compared before a comparison of everything that is left.
_LOOK: Final = 32

#: Characters of a line of a value that counts by itself: a shorter one may stand anywhere.
_SHORTEST_LINE: Final = 8

#: First and last line of what is written as PEM (RFC 7468): every key of a kind has the same.
_FRAME: Final = re.compile(r"-----(BEGIN|END) [^-]*-----")

_ESCAPES: Final = re.compile(r"%[0-9A-F]{2}")


class Redaction:
    """Replaces the values of *secrets*, by their names.  Frozen; any thread may use it."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._masks: dict[bytes, bytes] = {}
        for name, value in secrets.items():
            for spelling in _spellings(value):
                self._masks.setdefault(spelling, f"[secret {name}]".encode())

    def text(self, text: str) -> str:
        """Return *text* without the values."""
        data, _ = self.cut(text.encode("utf-8", "surrogatepass"), final=True)
        return data.decode("utf-8", "surrogatepass")

    def cut(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Return the beginning of *data* without the values, and the rest as it is.

        The rest is what more bytes could make a value of: it is to be put before these.

        Args:
            final: nothing follows; then there is no rest.
        """
        limit = len(data) if final else self._first_beginning(data)
        found: list[bytes] = []
        position = 0
        ahead = [(at, -len(one), one) for one in self._masks if 0 <= (at := data.find(one)) < limit]
        heapify(ahead)
        while ahead:
            start, length, spelling = ahead[0]
            if start >= position:
                found += [data[position:start], self._masks[spelling]]
                position = start + len(spelling)
            at = data.find(spelling, position)
            if 0 <= at < limit:
                heapreplace(ahead, (at, length, spelling))
            else:
                heappop(ahead)
        end = max(position, limit)
        found.append(data[position:end])
        return b"".join(found), data[end:]

    def _first_beginning(self, data: bytes) -> int:
        """Return where the first value begins that goes on behind *data*, if one does.

        The length of *data* if none can: a program that waits for something after what it
        said is heard at once, unless it has said the beginning of a secret.
        """
        found = len(data)
        for spelling in self._masks:
            at = max(0, len(data) - len(spelling) + 1)
            while 0 <= (at := data.find(spelling[:SHORTEST], at)) < found:
                # A few bytes first: the rest may be long, and is hardly ever worth a look.
                if spelling.startswith(data[at : at + _LOOK]) and spelling.startswith(data[at:]):
                    found = at
                at += 1
            for size in range(1, SHORTEST):
                if data.endswith(spelling[:size]):
                    found = min(found, len(data) - size)
        return found


def _spellings(value: str) -> set[bytes]:
    """Return the ways in which *value* may be written, but for those that are too short."""
    found: set[bytes] = set()
    for text in {value, value.strip()}:
        found.update(one.encode("utf-8", "surrogatepass") for one in _texts(text))
        found.update(_base64(text.encode("utf-8", "surrogatepass")))
    found.update(_lines(value))
    return {one for one in found if len(one) >= SHORTEST}


def _lines(value: str) -> Iterator[bytes]:
    lines = [line.strip() for line in value.strip().splitlines()]
    if len(lines) > 1:
        for line in lines:
            if len(line) >= _SHORTEST_LINE and not _FRAME.fullmatch(line):
                yield line.encode("utf-8", "surrogatepass")


def _texts(value: str) -> Iterator[str]:
    yield value
    yield html.escape(value)
    yield repr(value)[1:-1]
    yield shlex.quote(value).strip("'")
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    for encoded in (quote(value), quote(value, safe=""), quote_plus(value)):
        for tilde in (encoded, encoded.replace("~", "%7E")):
            yield tilde
            yield _ESCAPES.sub(lambda match: match[0].lower(), tilde)


def _base64(value: bytes) -> Iterator[bytes]:
    yield b64encode(value).rstrip(b"=")
    for before in range(3):
        # Of something longer: the characters that depend on nothing but the value.
        encoded = b64encode(bytes(before) + value)
        core = encoded[-(-8 * before // 6) : 8 * (before + len(value)) // 6]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
    yield b64encode(value, b"-_").rstrip(b"=")
