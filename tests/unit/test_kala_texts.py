"""Kala's templates and schedules in our words, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain.errors import Fault
from executor.domain.kala_texts import (
    delimiters_of,
    kalas_template,
    our_interval,
    our_template,
)
from executor.domain.schedule import schedule_from_document
from executor.domain.template import parse, render
from web.compat import kala_schedules
from web.compat.kala_faults import in_kalas_words

FIXED = {"Name": "the {{ name }}", "Id": "1-2"}

OURS = {"Owner": "job.owner", "NextRunAt": "fire_time"}

GO = ("{{", "}}")

TEXTS = st.text(alphabet="ab {}<>.$|\n", max_size=20)


@given(TEXTS)
def test_text_without_delimiters_is_text(text: str) -> None:
    """Whatever braces it has."""
    made = our_template(text, None, OURS, {})

    assert render(made, {}) == text
    assert kalas_template(made, None, OURS) == text


@given(TEXTS, TEXTS)
def test_what_stands_around_a_field_stays(before: str, after: str) -> None:
    """Only what is between the delimiters is read."""
    delimiters = ("[[", "]]")

    made = our_template(f"{before}[[.Owner]]{after}", delimiters, OURS, FIXED)

    assert render(made, {"job.owner": "o"}) == f"{before}o{after}"
    assert kalas_template(made, delimiters, OURS) == f"{before}[[.Owner]]{after}"


@pytest.mark.parametrize("text", ["{{.Owner}}", "{{ .Owner }}", "{{$.Owner}}", "{{ $.Owner\t}}"])
def test_all_ways_to_write_a_field_are_one(text: str) -> None:
    """Go has several."""
    assert our_template(text, GO, OURS, FIXED) == "{{ job.owner }}"


def test_a_fixed_value_is_put_in_as_it_is() -> None:
    """Also one that looks like a template."""
    assert render(our_template("{{.Name}} {{.Id}}", GO, OURS, FIXED), {}) == "the {{ name }} 1-2"


def test_the_time_of_a_run_is_known_when_it_runs() -> None:
    """It is another one each time."""
    made = our_template("{{.NextRunAt}}", GO, OURS, FIXED)

    assert [part for part in parse(made) if not isinstance(part, str)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a {{.Owner", "is not closed; write `}}`"),
        ("{{.Owner | printf}}", "is more than a field"),
        ("{{- .Owner}}", "is more than a field"),
        ("{{/* a */}}", "is more than a field"),
        ("{{if .Disabled}}a{{end}}", "`{{if .Disabled}}` is more than a field"),
        ('{{"{{"}}', "is more than a field"),
        ("{{.}}", "is more than a field"),
        ("{{}}", "is more than a field"),
        ("{{.Metadata.SuccessCount}}", "the header Idempotency-Key of a request"),
        ("{{$.Metadata.SuccessCount}}", "the variable SOLOCRON_TRIGGER_ID of a command"),
        ("{{.IsDone}}", "there are .Id, .Name, .NextRunAt, .Owner"),
        ("{{.owner}}", "has no value here"),
    ],
)
def test_more_of_gos_language_is_refused(text: str, words: str) -> None:
    """With the piece that is not taken, and what is."""
    with pytest.raises(ValueError, match="`") as refused:
        our_template(text, GO, OURS, FIXED)

    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["{{", "{{ ", " }}", "a b c", "  "])
def test_delimiters_are_two(text: str) -> None:
    """Kala notices with the first run."""
    with pytest.raises(ValueError, match="write two delimiters"):
        delimiters_of(text)


def test_our_own_values_are_shown_as_they_are() -> None:
    """What Kala has no name for, or no delimiters, a filter."""
    assert (
        kalas_template("{{ run.id }} {{ job.owner | url }}", GO, OURS)
        == "{{ run.id }} {{ job.owner | url }}"
    )
    assert kalas_template("{{ job.owner }}", None, OURS) == "{{ job.owner }}"
    assert kalas_template("{{ broken", None, OURS) == "{{ broken"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("R/2026-12-01T00:00:00Z/P1D", "R/2026-12-01T00:00:00Z/P1D"),
        ("R-1/2026-12-01T00:00:00Z/P1D", "R/2026-12-01T00:00:00Z/P1D"),
        ("R2/2026-12-01T00:00:00.000Z/P1D", "R2/2026-12-01T00:00:00Z/P1D"),
        ("R2/2026-12-31T23:59:59.1+02:00/P1D", "R2/2027-01-01T00:00:00+02:00/P1D"),
        ("R2/2026-02-28T23:59:59.9/P1D", "R2/2026-03-01T00:00:00/P1D"),
        ("R0/2026-12-01T00:00:00Z/P1D", "R0/2026-12-01T00:00:00Z/"),
        ("R0/2026-12-01T00:00:00Z", "R0/2026-12-01T00:00:00Z"),
        ("R/9999-12-31T23:59:59.9Z/P1D", "R/9999-12-31T23:59:59Z/P1D"),
        ("R/2026-02-30T00:00:00.5Z/P1D", "R/2026-02-30T00:00:00Z/P1D"),
        ("", ""),
    ],
)
def test_a_schedule_starts_at_the_next_whole_second(theirs: str, ours: str) -> None:
    """Never earlier than it says; what cannot be read is left to be refused."""
    assert our_interval(theirs) == ours


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("*/5 * * * *", "*/5 * * * *"),
        ({"kind": "cron", "expression": "0 2 * * *", "timezone": "Asia/Tokyo"}, None),
        ({"kind": "once", "at": "2026-12-01T00:00:00+01:00"}, "R0/2026-12-01T00:00:00+01:00/"),
        ("R3/2026-12-01T00:00:00Z/P1M", "R3/2026-12-01T00:00:00Z/P1M"),
        ({"kind": "continuous"}, "continuous"),
    ],
)
def test_every_kind_of_schedule_has_a_text(document: object, text: str | None) -> None:
    """An interval's is Kala's own; a zone other than UTC is told."""
    found = kala_schedules.to_kala(schedule_from_document(document))

    assert found == (text or "CRON_TZ=Asia/Tokyo 0 2 * * *")


def test_faults_are_told_of_kalas_fields() -> None:
    """Ours would say nothing to its clients."""
    found = {
        "schedule.expression": "schedule",
        "target.command": "command",
        "target.url": "remote_properties.url",
        "target.headers.X-A": "remote_properties.headers.X-A",
        "target.expect.0": "remote_properties.expected_response_codes",
        "after.jobs.1": "parent_jobs",
        "on_failure": "on_failure_job",
        "retry.attempts": "retries",
        "retry.window": "epsilon",
        "name": "name",
    }
    for ours, theirs in found.items():
        assert in_kalas_words([Fault(ours, "no")]) == f"{theirs}: no"
    assert in_kalas_words([Fault("", "no"), Fault("a", "b")]) == "no; a: b"
