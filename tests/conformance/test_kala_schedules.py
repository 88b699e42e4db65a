"""Which schedules Kala's clients may send, against a running service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.kala_client import KalaClient, kala_service, later


@pytest.fixture(scope="module")
def kala(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KalaClient]:
    with kala_service(tmp_path_factory.mktemp("kala")) as client:
        yield client


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("R/{}/PT1H", None),
        ("R2/{}/PT10S", None),
        ("R-1/{}/P1D", None),
        ("R0/{}/", None),
        ("R0/{}/whatever", None),
        ("R/{}/P2W", None),
        ("R/{}/PT1H30S", None),
        ("R/2027-01-01T00:00:00/PT1H", "2027-01-01T00:00:00Z"),
        ("R/2027-01-01T00:00:00+02:00/PT1H", "2026-12-31T22:00:00Z"),
        ("R/2027-01-01T00:00:00.828696-07:00/PT1H", "2027-01-01T07:00:01Z"),
        ("R2147483648/2027-01-01T00:00:00Z/P1M", "2027-01-01T00:00:00Z"),
    ],
)
def test_schedules_that_kala_takes_are_taken(
    kala: KalaClient, schedule: str, first: str | None
) -> None:
    """And shown as they were written; the first run is at START."""
    written = schedule.format(later(3600, fraction=False))

    job = kala.job(kala.create(schedule=written))

    assert job["schedule"] == written
    if first is not None:
        assert job["next_run_at"] == first


@pytest.mark.parametrize(
    "schedule",
    [
        "asdf",
        "RRR/{}/PT1H",
        "RR3/{}/PT1H",
        "R1.5/{}/PT1H",
        "R99999999999999999999/{}/PT1H",
        "R//PT1H",
        "R/PT1H",
        "PT1H",
        "R/{}/PT1H/x",
        "R/{}/",
        "R/{}/P",
        "r/{}/PT1H",
        "5/{}/PT1H",
        "R/{}/PT0S",
        "R/2027-02-30T00:00:00Z/P1D",
        "R/2027-01-01/P1D",
        "*/5 * * * *",
    ],
)
def test_schedules_that_nobody_can_follow_are_refused_with_the_reason(
    kala: KalaClient, schedule: str
) -> None:
    """Also those that end Kala, or keep it busy."""
    answer = kala.try_to_create(schedule=schedule.format(later(3600, fraction=False)))

    assert answer.status == 400
    assert answer.error.startswith("schedule: ")
