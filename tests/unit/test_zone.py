"""When offsets change: found by looking, compared with the zone database's own tables."""

from __future__ import annotations

import importlib.resources
import re
import struct
import zoneinfo
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from executor.domain.errors import InvalidSchedule
from executor.domain.zone import (
    EARLIEST,
    LATEST,
    Zone,
    tzdata_fingerprint,
    tzdata_version,
    zone,
)

FILES = importlib.resources.files("tzdata") / "zoneinfo"
NAMES = (importlib.resources.files("tzdata") / "zones").read_text().split()

START = int(datetime(1920, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())


def table(data: bytes) -> list[tuple[int, int]]:
    """Read instants and offsets from a TZif file of version 2 or later (RFC 9636)."""
    counts = struct.unpack(">6l", data[20:44])
    utc, standard, leaps, times, types, chars = counts
    second = 44 + times * 5 + types * 6 + chars + leaps * 8 + standard + utc
    _, _, _, times, types, _ = struct.unpack(">6l", data[second + 20 : second + 44])
    at = second + 44
    instants = struct.unpack(f">{times}q", data[at : at + 8 * times])
    kinds = data[at + 8 * times : at + 9 * times]
    records = at + 9 * times
    offsets = [struct.unpack(">l", data[records + 6 * n :][:4])[0] for n in range(types)]
    return list(zip(instants, (offsets[kind] for kind in kinds), strict=True))


@pytest.mark.parametrize("name", [*NAMES[::37], "Africa/Freetown", "Asia/Gaza", "Pacific/Apia"])
def test_every_change_in_the_database_is_found(name: str) -> None:
    """Instants and offsets are those of the file, to the second, without idle changes."""
    path = FILES.joinpath(*name.split("/"))
    with path.open("rb") as file:
        found = Zone(name, ZoneInfo.from_file(file))
    entries = table(path.read_bytes())
    end = entries[-1][0] if entries else END  # from there on the file has a rule, not a table
    expected = [
        (instant, before, after)
        for (_, before), (instant, after) in pairwise(entries)
        if before != after and instant > START
    ]
    # The offset before the first entry is not in the table.
    first = entries[0][0] if entries else START

    changes = [tuple(change) for change in found.changes(START, end)]
    assert [change for change in changes if change[0] != first] == expected


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
)
def test_segments_tile_time(name: str) -> None:
    """Each ends where the next begins, and holds the offset that zoneinfo has there."""
    some, at = zone(name), int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
    info = ZoneInfo(name)
    while at < END:
        segment = some.segment_at(at)
        assert segment.start <= at < segment.end
        for instant in (segment.start, segment.end - 1):
            offset = datetime.fromtimestamp(instant, info).utcoffset()
            assert offset is not None
            assert offset.total_seconds() == segment.offset
        at = segment.end
        assert some.segment_at(at).start == at


def test_a_fold_is_known_on_both_sides() -> None:
    """Before it: until when local times do not come again.  After it: from when they are new."""
    berlin = zone("Europe/Berlin")
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
    before, after = berlin.segment_at(change - 1), berlin.segment_at(change)

    assert (before.offset, after.offset, after.gap) == (7200, 3600, 0)
    assert before.last_until == change + 3600
    assert after.first_from == change + 7200


def test_a_gap_is_known_where_it_ends() -> None:
    """The segment after it says how much local time was skipped."""
    change = int(datetime(2027, 3, 28, 1, tzinfo=UTC).timestamp())
    after = zone("Europe/Berlin").segment_at(change)

    assert (after.start, after.offset, after.gap) == (change, 7200, 3600)


def test_there_is_a_segment_for_any_number() -> None:
    """Beyond the years of datetimes the offset stays what it was at their end."""
    tokyo = zone("Asia/Tokyo")

    assert tokyo.segment_at(LATEST + 10**12).offset == 9 * 3600
    assert tokyo.segment_at(EARLIEST - 10**12).offset == tokyo.segment_at(EARLIEST).offset


@pytest.mark.parametrize(
    ("name", "local", "expected"),
    [
        ("UTC", "2026-10-25T02:30", "2026-10-25T02:30"),
        ("Europe/Berlin", "2026-10-25T01:59", "2026-10-24T23:59"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:00"),
        ("Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),
        ("Pacific/Kiritimati", "2026-01-01T00:00", "2025-12-31T10:00"),
        ("Pacific/Pago_Pago", "2026-01-01T00:00", "2026-01-01T11:00"),
    ],
)
def test_a_wall_clock_has_one_instant(name: str, local: str, expected: str) -> None:
    """The first of two in a fold; in a gap the first one after it."""
    found = zone(name).instant_of(int(datetime.fromisoformat(f"{local}Z").timestamp()))

    assert datetime.fromtimestamp(found, UTC) == datetime.fromisoformat(f"{expected}Z")


def test_every_instant_comes_back_from_its_wall_clock_or_is_a_second_one() -> None:
    """Through 130 years of Lord Howe, at odd moments."""
    howe, at = zone("Australia/Lord_Howe"), START
    while at < END:
        local = at + howe.segment_at(at).offset
        found = howe.instant_of(local)
        assert found == at or found in (at - 1800, at - 3600)
        at += 86400 * 9 + 4567


def test_the_database_in_use_has_a_version_and_a_fingerprint() -> None:
    """A year and a letter, and where it is; the fingerprint is the same each time."""
    assert re.fullmatch(r"(\d{4}[a-z]+|unknown) \((package tzdata|/.*)\)", tzdata_version())
    assert re.fullmatch(r"[0-9a-f]{32}", tzdata_fingerprint())
    assert tzdata_fingerprint() == tzdata_fingerprint()


def test_without_the_platforms_database_it_is_the_packages() -> None:
    """An empty search path leaves the package, with its own version and fingerprint."""
    path = zoneinfo.TZPATH
    platform = tzdata_fingerprint()
    zoneinfo.reset_tzpath(to=())
    try:
        assert tzdata_version().endswith("(package tzdata)")
        assert re.match(r"\d{4}[a-z]", tzdata_version())
        assert len(tzdata_fingerprint()) == len(platform)
    finally:
        zoneinfo.reset_tzpath(to=path)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Europe/Berlinn", "`Europe/Berlin`"),
        ("europe/berlin", "`Europe/Berlin`"),
        ("Berlin", "`Europe/Berlin`"),
        ("New York", "`America/New_York`"),
        ("utc", "`UTC`"),
        ("", "write an IANA name such as"),
        ("Mars/Olympus_Mons", "there is no zone"),
        ("../../etc/passwd", "there is no zone"),
        ("/etc/localtime", "there is no zone"),
        ("localtime", "there is no zone"),
        ("right/Europe/Berlin", "there is no zone"),
        ("Europe", "there is no zone"),
        ("Europe/Berlin\0", "there is no zone"),
    ],
)
def test_an_unknown_zone_is_refused_with_close_names(name: str, advice: str) -> None:
    """The fault is the field's, and nothing outside the database is ever opened."""
    with pytest.raises(InvalidSchedule) as refused:
        zone(name)

    (fault,) = refused.value.faults
    assert fault.field == "timezone"
    assert advice in fault.message
