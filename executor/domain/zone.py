"""UTC offsets of time zones: when they change, and what a change does to local time.

Pure but for reading the zone database, which zoneinfo does: the platform's, or else
the ``tzdata`` package.  Each zone is read when first used and kept.

Words
-----
instant
    Whole seconds since 1970-01-01T00:00Z; negative before.
local
    Wall-clock time as seconds since 1970-01-01T00:00 on that same wall clock, so
    ``local = instant + offset``.  Offsets are in seconds, east positive.
gap
    Local times that are skipped when the offset grows; they have no instant.
fold
    Local times that occur twice when the offset shrinks.
segment
    A stretch of time with one offset.  Its ends are changes, or the arbitrary ends
    of a chunk.

Rules
-----
1. Only the offset counts.  A change of the daylight-saving flag or of the
   abbreviation alone (Dublin) is none; a change without the flag (Volgograd) is one.
2. Offsets are taken to the second: before about 1930 most are not whole minutes.
3. Changes are found by looking at zoneinfo's offset every two days and halving.  The
   shortest stretch in the zone database lasts four days (Freetown, September 1939).
4. What is kept is bounded: chunks of about a year, of which the least recently used go.
5. The database in use is the one zoneinfo finds: the first folder of its search path that
   has a zone, and the ``tzdata`` package for zones that none has.  Machines may differ.
"""

from __future__ import annotations

import difflib
import importlib.resources
import re
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from executor.domain.errors import Fault, InvalidSchedule

#: Instants that a datetime can hold in every zone: years 1 to 9999 less two days.
EARLIEST = int(datetime(1, 1, 3, tzinfo=UTC).timestamp())
LATEST = int(datetime(9999, 12, 29, tzinfo=UTC).timestamp())

#: Seconds between two looks at a zone's offset; see rule 3.
_STEP = 2 * 86400
#: Seconds around a chunk in which a fold can reach into it; no change exceeds a day.
_MARGIN = 2 * _STEP
#: Seconds; no wall clock is as far from UTC.
_FARTHEST = 86400
#: A chunk covers ``2 ** _CHUNK_BITS`` seconds: 388 days.
_CHUNK_BITS = 25
#: Chunks kept, about 1 KB each.
_CHUNKS = 4096

#: Listed by zoneinfo, but they depend on the host or stand for "not set".
_NOT_ZONES = frozenset({"localtime", "posixrules", "Factory"})


class Change(NamedTuple):
    """From *instant* on the offset is ``after``; up to it, it was ``before``."""

    instant: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Instants from ``start`` up to but not including ``end``, all at ``offset``.

    Attributes:
        gap: Seconds of local time skipped at ``start``, 0 if none.
        first_from: Local times of the segment from this one on occur for the first time.
        last_until: Local times of the segment before this one do not occur again.
    """

    start: int
    end: int
    offset: int
    gap: int
    first_from: int
    last_until: int


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """An IANA time zone.  Get it from :func:`zone`; there is one object per name."""

    name: str
    info: zoneinfo.ZoneInfo

    def segment_at(self, instant: int) -> Segment:
        """Return the segment that holds *instant*."""
        starts, segments = _chunk(self.info, instant >> _CHUNK_BITS)
        return segments[bisect_right(starts, instant) - 1]

    def changes(self, start: int, end: int) -> Iterator[Change]:
        """Yield the changes after *start* up to and including *end*, in order."""
        return _changes(self.info, start, end)

    def instant_of(self, local: int) -> int:
        """Return when the wall clock shows *local*: the first time in a fold.

        In a gap, which has no such instant, the first one after it.
        """
        segment = self.segment_at(local - _FARTHEST)
        while local >= segment.end + segment.offset:
            segment = self.segment_at(segment.end)
        return max(local - segment.offset, segment.start)


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """Return the time zone *name*, an IANA name such as ``Europe/Berlin``.

    Raises:
        InvalidSchedule: there is no such zone; the fault suggests others.
    """
    if name not in _names():
        raise InvalidSchedule([Fault("timezone", _unknown(name))])
    return Zone(name, zoneinfo.ZoneInfo(name))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NOT_ZONES


def _unknown(name: str) -> str:
    wanted = name.strip().lower().replace(" ", "_")
    known = {known.lower(): known for known in sorted(_names())}
    close = [known[key] for key in known if key == wanted or key.rpartition("/")[2] == wanted]
    close = close or [known[key] for key in difflib.get_close_matches(wanted, known, n=2)]
    if not close:
        return f"there is no zone `{name}`; write an IANA name such as `Europe/Berlin` or `UTC`"
    return f"there is no zone `{name}`; write {' or '.join(f'`{fix}`' for fix in close[:3])}"


def tzdata_version() -> str:
    """Return which zone database is in use: its version and where it is.

    The version is ``unknown`` where the platform's files do not tell it.
    """
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "Europe" / "Berlin").is_file():
            return f"{_version_in(folder)} ({folder})"
    return f"{_version_in(_package())} (package tzdata)"


def _package() -> Traversable:
    return importlib.resources.files("tzdata") / "zoneinfo"


def _version_in(folder: Path | Traversable) -> str:
    for name in ("tzdata.zi", "+VERSION"):
        try:
            with (folder / name).open("r", encoding="ascii", errors="replace") as file:
                found = re.search(r"\b(\d{4}[a-z]+)\b", file.readline())
        except OSError:
            continue
        if found:
            return found[1]
    return "unknown"


def tzdata_fingerprint() -> str:
    """Return 32 hexadecimal digits that change when any rule of any zone does.

    Takes some 20 ms: every zone's file is read.  Two machines with the same fingerprint
    compute the same fire times; a database packed in another way has another one.
    """
    digest = blake2b(digest_size=16)
    for name in sorted(_names()):
        data = _file(name)
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _file(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return _package().joinpath(*name.split("/")).read_bytes()


def _offset(info: zoneinfo.ZoneInfo, instant: int) -> int:
    """Return the offset at *instant*; beyond the years 1 to 9999 that of their ends."""
    moment = datetime.fromtimestamp(max(EARLIEST, min(instant, LATEST)), UTC)
    # From the wall clock, not utcoffset(): that asks back from the wall clock to the
    # instant, which is ambiguous where changes lie close together.
    local = moment.astimezone(info).replace(tzinfo=UTC)
    difference = local - moment
    return difference.days * 86400 + difference.seconds


def _changes(info: zoneinfo.ZoneInfo, start: int, end: int) -> Iterator[Change]:
    """Yield the changes after *start* up to and including *end*, in order."""
    known, before = start, _offset(info, start)
    while known < end:
        seen = min(known + _STEP, end)
        after = _offset(info, seen)
        if after != before:
            low, high = known, seen
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(info, middle) == before:
                    low = middle
                else:
                    high = middle
            yield Change(high, before, after)
        known, before = seen, after


@lru_cache(maxsize=_CHUNKS)
def _chunk(info: zoneinfo.ZoneInfo, number: int) -> tuple[list[int], list[Segment]]:
    """Return the starts and segments that tile chunk *number*."""
    begin, end = number << _CHUNK_BITS, (number + 1) << _CHUNK_BITS
    changes = list(_changes(info, begin - _MARGIN, end + _MARGIN))
    folds = [change for change in changes if change.after < change.before]
    gaps = {c.instant: c.after - c.before for c in changes if c.after > c.before}
    edges = [begin, *(c.instant for c in changes if begin < c.instant < end), end]
    segments = []
    for start, stop in pairwise(edges):
        offset = _offset(info, start)
        repeated = [c.instant + c.before for c in folds if c.instant <= start]
        repeating = [c.instant + c.after for c in folds if c.instant >= stop]
        segments.append(
            Segment(
                start,
                stop,
                offset,
                gap=gaps.get(start, 0),
                first_from=max([start + offset, *repeated]),
                last_until=min([stop + offset, *repeating]),
            )
        )
    return edges[:-1], segments
