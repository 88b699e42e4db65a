"""Crontabs as jobs: what a job is made of, and that every difference is reported."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from executor.client.crontab.jobs import is_system_path, jobs_of
from executor.client.imported import Imported
from executor.client.reading import read_text
from executor.domain.job import definition_from_document
from executor.domain.yaml_text import to_yaml
from tests.unit.crontab_corpus import KINDS, MANNER, crontab


def one_job(text: str, **manner: Any) -> dict[str, Any]:
    """Return the only job of the crontab *text*."""
    (document,) = jobs_of(text, replace(MANNER, **manner)).documents
    return document


def reported(found: Imported) -> dict[int, set[str]]:
    """Return what is said of each line: ``kind code``."""
    notes: dict[int, set[str]] = defaultdict(set)
    for note in found.notes:
        notes[note.line].add(f"{note.kind} {note.code}")
    return notes


def expression_of(document: dict[str, Any]) -> str:
    """Return the cron expression of a job, however it is written."""
    schedule = document["schedule"]
    return str(schedule if isinstance(schedule, str) else schedule["expression"])


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_lines_are_taken_with_every_difference_reported(seed: int) -> None:
    """Each kind of line has the outcome that was written down for it, and no other note."""
    text, kinds = crontab(1_000, seed)

    found = jobs_of(text, MANNER)

    notes = reported(found)
    jobs = dict(zip(found.lines, found.documents, strict=True))
    for line, kind in enumerate(kinds, 1):
        assert notes[line] == set(kind.notes), (line, kind)
        document = jobs.get(line)
        assert (expression_of(document) if document else None) == kind.expression, (line, kind)
    assert found.refused == sum("refused" in " ".join(kind.notes) for kind in kinds)


def test_all_jobs_of_the_thousand_lines_are_sound_and_have_names_of_their_own() -> None:
    """They can be written, read and applied; no two share a name."""
    found = jobs_of(crontab(1_000, 0)[0], MANNER)

    for document in found.documents:
        definition_from_document(document)
    assert len({document["name"] for document in found.documents}) == len(found.documents)
    again = [source.value for source in read_text(to_yaml(found.documents), "jobs")]
    assert again == found.documents


def test_no_kind_is_left_without_an_example() -> None:
    """Every code of a note occurs among the kinds, or in a test of its own below."""
    assert len({kind.line for kind in KINDS}) == len(KINDS)


def test_a_job_does_what_its_line_did() -> None:
    """Shell, variables, user, folder and description; runs may overlap and last."""
    document = one_job(
        "SHELL=/bin/bash\nPATH=/opt/bin:/bin\nHOME=/srv\nX={{y}}\n# Nightly.\n"
        "30 2 * * * backup run --name '{{.Host}}'\n",
        system=False,
        owner="ops",
        tags=("cron",),
    )

    assert document == {
        "name": "nightly",
        "description": "Nightly.",
        "owner": "ops",
        "tags": ["cron"],
        "schedule": {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
        "target": {
            "kind": "command",
            "argv": ["/bin/bash", "-c", "backup run --name '{{{{.Host}}'"],
            "env": {
                "SHELL": "/bin/bash",
                "PATH": "/opt/bin:/bin",
                "HOME": "/srv",
                "X": "{{{{y}}",
            },
            "cwd": "/srv",
        },
        "overlap": {"policy": "allow"},
        "timeout": "P7D",
    }


def test_the_user_of_a_system_crontab_becomes_the_targets() -> None:
    """Without the group that FreeBSD allows behind it, which is reported."""
    found = jobs_of("0 4 * * * www:web/x a\n", replace(MANNER, system=True))

    assert found.documents[0]["target"]["user"] == "www"
    assert "differs group" in reported(found)[1]


def test_a_zone_of_the_file_moves_the_schedules_below_it() -> None:
    """With a note, because Debian's cron ignores it; in UTC the short form says it all."""
    found = jobs_of("0 4 * * * a\nCRON_TZ=UTC\n0 4 * * * b\nCRON_TZ=Mars/X\n0 4 * * * c\n", MANNER)

    assert [document["schedule"] for document in found.documents] == [
        {"kind": "cron", "expression": "0 4 * * *", "timezone": "Europe/Berlin"},
        "0 4 * * *",
    ]
    notes = reported(found)
    assert notes[2] == {"differs cron_tz"}
    assert notes[5] == {"refused zone"}


def test_a_random_delay_becomes_jitter() -> None:
    """In minutes, for the lines below it."""
    document = one_job("RANDOM_DELAY=15\n0 4 * * * a\n")

    assert document["schedule"]["jitter"] == "PT15M"


def test_where_a_star_is_rewritten_the_rule_of_days_stays() -> None:
    """``*/40`` is the first of the month, and the weekday has to match as well."""
    document = one_job("0 4 */40 * 1 a\n")

    assert document["schedule"]["expression"] == "0 4 1 * 1"
    assert document["schedule"]["dom_dow"] == "and"


def test_nothing_is_said_of_clocks_where_they_never_change() -> None:
    """In UTC a list of hours is a list of hours."""
    found = jobs_of("0 0-23 * * * a\n0,30 2 * * * b\n", replace(MANNER, timezone="UTC"))

    assert not reported(found)[1] | reported(found)[2]


def test_the_text_as_a_whole_is_looked_at() -> None:
    """Line ends of Windows, a last line that cron would not have run, bytes that are no text."""
    found = jobs_of("0 4 * * * a\r\n0 5 * * * b\udcff\r\n# \udcff\r\n0 6 * * * c", MANNER)

    notes = reported(found)
    assert "differs line_ends" in notes[0]
    assert notes[2] == {"refused columns"}
    assert notes[4] == {"differs last_line"}
    assert [one["target"]["argv"][2] for one in found.documents] == ["a", "c"]


def test_a_job_that_cannot_be_is_refused_with_the_reason() -> None:
    """Here, a command that no process can be given."""
    found = jobs_of("0 4 * * * a\x00b\n", MANNER)

    assert not found.documents
    assert "NUL" in next(note.message for note in found.notes if note.line == 1)


def test_the_systems_own_crontabs_are_known_by_their_path() -> None:
    """They need no option."""
    assert is_system_path("/etc/crontab")
    assert is_system_path("/etc/cron.d/php")
    assert not is_system_path("/etc/cron.daily/x")
    assert not is_system_path("crontab")
