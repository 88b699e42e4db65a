"""Why did it (not) run: every fate of a fire time has a sentence, and no instant a wrong one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor.domain.explain import Explanation, Verdict, explain, is_slot, slot_before
from executor.domain.job import Job, Pause
from executor.domain.run import AWAITING, QUEUED, Cause, Reason, Run, RunState
from executor.domain.schedule import fire_times, schedule_from_document
from tests.builders import a_claim, a_job, at

#: A fire time of the job, and a while after it.
SLOT = at(3600)
LATER = at(36_000)

#: Where the watermark stands once the slot is accounted for.
PASSED = at(39_600)


def hourly(**fields: Any) -> Job:
    """Return a job due every hour, created a day ago."""
    given = {"schedule": "0 * * * *", "next_fire_at": PASSED, **fields}
    return a_job(now=at(-86_400), **given)


def of_row(state: RunState, **fields: Any) -> Explanation:
    """Explain the slot by a row."""
    job = hourly()
    return explain(job, job, a_claim(job, SLOT, state=state, **fields), SLOT, LATER)


def without_row(job: Job, in_force: Job | None = None, now: datetime = LATER) -> Explanation:
    """Explain the slot of which there is no row."""
    return explain(job, in_force or job, None, SLOT, now)


def test_a_run_tells_how_it_ended_and_how_late_it_began() -> None:
    """To the millisecond where that matters."""
    found = of_row(RunState.SUCCEEDED, started_at=SLOT + timedelta(milliseconds=7))

    assert found.sentence == "It ran and succeeded; it started 0.007 s after its fire time."
    assert (found.verdict, found.slot, found.revision) == (Verdict.RAN, True, 1)
    assert (found.before, found.after) == (at(0), at(7200))


@pytest.mark.parametrize(
    ("state", "fields", "verdict", "says"),
    [
        (RunState.FAILED, {"error": "exit 1"}, "ran", "It ran and failed (exit 1)."),
        (RunState.TIMED_OUT, {}, "ran", "It ran and was ended by its timeout."),
        (RunState.LOST, {}, "lost", "nobody knows whether it ran to its end."),
        (
            RunState.LOST,
            {"remote": True},
            "lost",
            "fell silent, so nobody knows whether it ran to its end.",
        ),
        (RunState.PENDING, {"remote": True}, "waiting", "waits for a worker."),
        (
            RunState.PENDING,
            {"remote": True, "details": {"ping_by": "2026-12-01T00:00:00Z"}},
            "waiting",
            "waits for a ping.",
        ),
        (
            RunState.FAILED,
            {"reason": Reason.NO_PING, "error": "no ping came until noon"},
            "ran",
            "was not heard of in time (no ping came until noon).",
        ),
        (RunState.RUNNING, {}, "running", "Its run is in progress."),
        (RunState.CANCELLING, {}, "running", "Its run is being cancelled."),
        (RunState.CANCELLED, {"reason": Reason.REQUESTED}, "cancelled", "cancelled on request."),
        (RunState.CANCELLED, {"reason": Reason.REPLACED}, "cancelled", "`replace`)."),
        (RunState.CANCELLED, {"reason": Reason.SHUTDOWN}, "cancelled", "executor was stopped."),
        (RunState.CANCELLED, {"reason": Reason.JOINED}, "cancelled", "cancelled (joined)."),
        (RunState.CANCELLED, {}, "cancelled", "Its run was cancelled."),
        (RunState.PENDING, {}, "waiting", "waits until 2026-12-01T01:00:00Z."),
        (RunState.PENDING, {"clear_at": QUEUED}, "waiting", "waits for its turn."),
        (RunState.PENDING, {"clear_at": AWAITING}, "waiting", "waits for its turn."),
        (RunState.PENDING, {"due_at": at(4000)}, "waiting", "until 2026-12-01T01:06:40Z."),
        (RunState.SUCCEEDED, {"cause": Cause.CATCH_UP}, "ran", "caught up by the misfire policy."),
        (
            RunState.SUCCEEDED,
            {"cause": Cause.BACKFILL, "started_at": at(3_600_000)},
            "ran",
            "and succeeded, backfilled on request.",
        ),
        (RunState.SUCCEEDED, {"due_at": at(4000)}, "ran", "put it off to 2026-12-01T01:06:40Z."),
        (RunState.SUCCEEDED, {"started_at": at(3661)}, "ran", "0:01:01 after its fire time."),
        (RunState.SUCCEEDED, {"started_at": at(3599)}, "ran", "0.000 s after its fire time."),
    ],
)
def test_every_fate_of_a_run_has_a_sentence(
    state: RunState, fields: dict[str, Any], verdict: str, says: str
) -> None:
    """State, reason, what it waits for, why it came late."""
    found = of_row(state, **fields)

    assert found.verdict == verdict
    assert found.sentence.endswith(says)


@pytest.mark.parametrize("reason", [*Reason, None])
def test_a_skipped_fire_time_always_has_a_reason(reason: Reason | None) -> None:
    """Also one that nobody would expect there."""
    found = of_row(RunState.SKIPPED, reason=reason)

    assert found.verdict is Verdict.SKIPPED
    assert found.sentence.startswith("It was skipped: ")
    assert len(found.sentence) > len("It was skipped: .")


def test_every_state_of_a_run_has_a_verdict() -> None:
    """No row is without an explanation."""
    assert all(of_row(state).sentence for state in RunState)


def many(job: Job) -> Run:
    """Return a row that stands for the slots of three hours."""
    facts: dict[str, Any] = {"state": RunState.SKIPPED, "reason": Reason.MISFIRE}
    return a_claim(job, at(10_800), covers=3, covers_from=SLOT, **facts)


@pytest.mark.parametrize("seconds", [3600, 7200, 10_800])
def test_a_fire_time_skipped_with_others_is_told_so(seconds: int) -> None:
    """First, last and in between."""
    job = hourly()

    found = explain(job, job, many(job), at(seconds), LATER)

    assert found.sentence.startswith("It is one of 3 fire times skipped together: it was noticed")


@pytest.mark.parametrize("seconds", [3601, 3600.5, 9000])
def test_an_instant_among_skipped_fire_times_is_none_itself(seconds: float) -> None:
    """The row stands for slots only, not for all the time around them."""
    job = hourly()

    found = explain(job, job, many(job), at(seconds), LATER)

    assert (found.verdict, found.slot, found.run) == (Verdict.NOT_DUE, False, None)


def test_a_row_is_believed_where_the_schedule_is_forgotten() -> None:
    """The revision of that time is not kept any more, the row is."""
    job = hourly()

    found = explain(job, None, a_claim(job, at(3601), state=RunState.FAILED), at(3601), LATER)

    assert (found.verdict, found.slot, found.revision) == (Verdict.RAN, True, None)
    assert (found.before, found.after) == (None, None)


def test_an_instant_that_is_no_fire_time_shows_its_neighbours() -> None:
    """And says by which definition, if that has changed since."""
    job = hourly(revision=2)

    now = explain(job, job, None, at(3601), LATER)
    then = explain(job, replace(job, revision=1), None, at(3601), LATER)

    assert (now.verdict, now.before, now.after) == (Verdict.NOT_DUE, SLOT, at(7200))
    assert now.sentence == (
        "This is no fire time of the schedule: the one before is 2026-12-01T01:00:00Z, "
        "the next one is 2026-12-01T02:00:00Z."
    )
    assert "as it was then" in then.sentence


def test_a_schedule_without_neighbours_says_so() -> None:
    """Before the first and after the last there is none."""
    job = a_job(schedule={"kind": "once", "at": "2026-12-01T01:00:00Z"})

    before = explain(job, job, None, at(1), LATER)
    after = explain(job, job, None, at(7200), LATER)

    assert (before.before, before.after) == (None, SLOT)
    assert "there is none before" in before.sentence
    assert (after.before, after.after) == (SLOT, None)
    assert "there is none after" in after.sentence


def test_a_job_without_schedule_or_not_yet_there_had_nothing_due() -> None:
    """Each says which; a definition that is forgotten is not mistaken for none."""
    job = hourly(schedule=None, next_fire_at=None)

    assert "had no schedule" in without_row(job).sentence
    young = explain(job, None, None, at(-90_000), LATER)
    assert (young.verdict, young.sentence) == (
        Verdict.NOT_DUE,
        "The job did not exist yet; it was created at 2026-11-30T00:00:00Z.",
    )
    forgotten = explain(job, None, None, SLOT, LATER)
    assert forgotten.verdict is Verdict.UNKNOWN
    assert "not kept any more" in forgotten.sentence


PAUSE = Pause(since=at(0))


@pytest.mark.parametrize(
    ("job", "closed", "says"),
    [
        (hourly(), None, "It is to come."),
        (hourly(enabled=False), None, "the job is disabled."),
        (hourly(paused=PAUSE), None, "the job is paused then."),
        (hourly(paused=replace(PAUSE, until=SLOT)), None, "It is to come."),
        (hourly(), "skip", "will be skipped."),
        (hourly(), "run_after", "one run follows for all its fire times."),
    ],
)
def test_what_is_to_come_tells_what_stands_in_its_way(
    job: Job, closed: str | None, says: str
) -> None:
    """As things stand: disabled, paused by then, or in a blackout."""
    found = explain(job, job, None, SLOT, at(60), closed)

    assert found.verdict is Verdict.UPCOMING
    assert found.sentence.endswith(says)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "No executor has come to it yet"),
        ({"enabled": False}, "disabled until it is enabled again; then its misfire policy"),
        ({"paused": PAUSE}, "paused until it is resumed; then its misfire policy"),
    ],
)
def test_what_nobody_has_decided_about_is_not_yet(facts: dict[str, Any], says: str) -> None:
    """The watermark has not passed it: the slot may still run."""
    found = without_row(hourly(next_fire_at=SLOT, **facts))

    assert found.verdict is Verdict.NOT_YET
    assert says in found.sentence


@pytest.mark.parametrize("facts", [{"enabled": False}, {"paused": PAUSE}])
def test_what_fell_into_a_rest_that_is_over_was_not_due(facts: dict[str, Any]) -> None:
    """Judged by the revision that was in force, not by the present one."""
    found = without_row(hourly(revision=2), in_force=hourly(**facts))

    assert found.verdict is Verdict.NOT_DUE
    assert "then, and no record says that it was caught up" in found.sentence


def test_what_has_no_record_names_the_possible_reasons() -> None:
    """Only those that can apply: retention by number and age, a change of the schedule."""
    job = hourly(revision=2)
    changed = a_job(now=at(-86_400), schedule="0,30 * * * *", next_fire_at=PASSED)

    assert without_row(job).sentence == (
        "There is no record of it: its record was not among the newest 100 (`keep_runs`)."
    )
    old = without_row(job, now=at(15 * 86_400)).sentence
    assert "`keep_for`" not in without_row(job).sentence
    assert "older than the job's `keep_for`" in old
    assert "schedule was changed" in without_row(job, in_force=changed).sentence
    assert without_row(job).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "document",
    [
        "* * * * *",
        "30 2 * * *",
        "0 0 29 2 *",
        "0 12 * * 5",
        {"kind": "cron", "dialect": "cron6s", "expression": "* * * * * 0"},
        {"kind": "cron", "dialect": "cron6s", "expression": "*/7 */11 3 * * *"},
        {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
        {"kind": "cron", "expression": "*/10 */3 * * *", "timezone": "Pacific/Chatham"},
        {"kind": "cron", "dialect": "quartz", "expression": "0 0 0 1 1 ? 2010"},
        "R/2020-01-31T00:00:00Z/P1M",
        "R/2026-11-30T00:00:00Z/PT7S",
        {"kind": "once", "at": "1999-12-31T23:59:59Z"},
    ],
)
@pytest.mark.parametrize("seconds", [0, 0.25, 1, 59, 1800, 7200, 100_000, 2_000_000])
def test_the_fire_time_before_is_the_last_one(document: object, seconds: float) -> None:
    """There is none between it and the instant; a fire time itself is not before itself."""
    schedule = schedule_from_document(document)
    instant = at(seconds)

    found = slot_before(schedule, instant)

    assert found is not None
    assert found < instant
    assert is_slot(schedule, found)
    between = list(fire_times(schedule, found, instant))
    assert between in ([], [instant])
    assert is_slot(schedule, instant) is (between == [instant])


@pytest.mark.parametrize(
    "instant",
    [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)],
)
@pytest.mark.parametrize("schedule", ["0 0 29 2 *", "R/2026-12-01T00:00:00Z/P1M", "* * * * *"])
def test_the_ends_of_time_can_be_asked_about(instant: datetime, schedule: str) -> None:
    """An answer, not an overflow."""
    job = a_job(schedule=schedule)

    assert explain(job, job, None, instant, LATER).sentence
    assert slot_before(schedule_from_document(schedule), datetime(1969, 12, 31, tzinfo=UTC)) is None
