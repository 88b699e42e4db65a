"""What is counted of a job's runs, and who is told of what: the decisions, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executor.domain.errors import InvalidJob
from executor.domain.notify import Notify, rule_faults
from executor.domain.run import Cause, Reason, Run, RunState
from executor.domain.tally import REMEMBERED, Tally, count_end, count_start
from tests.builders import a_definition, a_job, a_run, at

JOB = a_job()

#: One letter for each end of a run.
ENDS: dict[str, dict[str, Any]] = {
    "s": {"state": RunState.SUCCEEDED},
    "f": {"state": RunState.FAILED},
    "t": {"state": RunState.TIMED_OUT},
    "l": {"state": RunState.LOST},
    "c": {"state": RunState.CANCELLED, "reason": Reason.REQUESTED},
    "o": {"state": RunState.SKIPPED, "reason": Reason.OVERLAP},
    "m": {"state": RunState.SKIPPED, "reason": Reason.MISFIRE},
    "n": {"state": RunState.FAILED, "reason": Reason.NO_PING},
    "r": {"state": RunState.SKIPPED, "reason": Reason.OVERLAP, "cause": Cause.RETRY},
}


def rule(*on: Any, **more: Any) -> Notify:
    """Return a rule for channel ``ops`` that holds nothing back, unless it says so."""
    return Notify(**{"channel": "ops", "on": on, "every": timedelta(0), **more})


def ended(end: str, seconds: float = 0, **more: Any) -> Run:
    """Return a run that has ended so, so many seconds after the start of the clock."""
    return a_run(JOB, finished_at=at(seconds), **{**ENDS[end], **more})


def told(ends: str, *rules: Notify, apart_s: float = 1) -> list[str]:
    """Return, for each of *ends*, what is told of it: events, separated by blanks."""
    tally, words = Tally(job_id=JOB.id), []
    for number, end in enumerate(ends):
        run = ended(end, number * apart_s)
        tally = count_end(tally, run, rules, final=True)
        words.append(" ".join(tiding.event for tiding in tally.decided(run.id) or ()))
    return words


@pytest.mark.parametrize(
    ("ends", "on", "after", "expected"),
    [
        ("sff", ["failure"], 1, ["", "failure", ""]),
        ("ffsf", ["failure"], 1, ["failure", "", "", "failure"]),
        ("ftlrf", ["failure"], 3, ["", "", "failure", "", ""]),
        ("ffsfff", ["failure"], 3, ["", "", "", "", "", "failure"]),
        ("fcof", ["failure"], 2, ["", "", "", "failure"]),
        ("sfss", ["failure", "recovery"], 1, ["", "failure", "recovery", ""]),
        ("fsffs", ["failure", "recovery"], 2, ["", "", "", "failure", "recovery"]),
        ("fs", ["recovery"], 1, ["", ""]),
        ("ls", ["lost", "recovery"], 1, ["lost", "recovery"]),
        ("ll", ["lost", "failure"], 1, ["lost", "lost"]),
        ("lff", ["lost", "failure"], 2, ["lost", "failure", ""]),
        ("scmof", ["success"], 1, ["success", "", "", "", ""]),
        ("msmo", ["missed"], 1, ["missed", "", "missed", ""]),
        ("mso", ["missed", "recovery"], 1, ["missed", "", ""]),
        ("nns", ["missed", "recovery"], 1, ["missed", "missed", "recovery"]),
        ("nnfs", ["failure", "recovery"], 1, ["failure", "", "", "recovery"]),
        ("nf", ["missed", "failure"], 2, ["missed", "failure"]),
        ("cor", ["failure"], 1, ["", "", "failure"]),
    ],
)
def test_each_end_is_told_by_its_rule(
    ends: str, on: list[str], after: int, expected: list[str]
) -> None:
    """Failures in a row count; one is told, and then none before the job has recovered."""
    assert told(ends, rule(*on, after=after)) == expected


def test_a_recovery_is_told_to_whoever_asks_for_it_once_anybody_was_alarmed() -> None:
    """Rules of one job may divide the work among channels."""
    rules = rule("failure"), rule("recovery", channel="pager")
    assert told("fs", *rules) == ["failure", "recovery"]


def test_an_end_that_is_repeated_is_not_counted() -> None:
    """A failure is one when nothing is tried any more."""
    tally = count_end(Tally(job_id=JOB.id), ended("f"), (rule("failure"),), final=False)
    assert (tally.failures, tally.counted[-1].tidings) == (0, ())


@pytest.mark.parametrize(("late_s", "is_told"), [(59, False), (60, False), (60.001, True)])
def test_a_run_is_late_when_it_begins_too_long_after_it_was_due(
    late_s: float, is_told: bool
) -> None:
    """Told at its start; and at its end, if its start was not told."""
    rules = (rule("late"),)
    run = ended("s", 200, scheduled=True, fire_at=at(0), started_at=at(late_s))
    started = count_start(Tally(job_id=JOB.id), run, rules)
    events = [tiding.event for one in started.counted for tiding in one.tidings]
    assert events == ["late"] * is_told

    after = count_end(started, run, rules, final=True)
    assert after.decided(run.id) == ()
    alone = count_end(Tally(job_id=JOB.id), run, rules, final=False)
    assert len(alone.decided(run.id) or ()) == is_told


def test_a_run_that_was_never_due_is_never_late() -> None:
    """One that somebody asked for begins when it begins."""
    run = ended("s", 200, started_at=at(100))
    assert count_start(Tally(job_id=JOB.id), run, (rule("late"),)).decided(f"{run.id} start") == ()


def test_a_run_is_counted_once() -> None:
    """Whoever comes to it again finds the decision of the first time."""
    rules = (rule("failure"),)
    first, second = ended("f"), ended("f", 1)
    tally = count_end(Tally(job_id=JOB.id), first, rules, final=True)
    later = count_end(tally, second, rules, final=True)

    assert count_end(later, first, rules, final=True) == later
    assert later.failures == 2
    assert later.decided(first.id) == tally.decided(first.id) != ()


def test_a_storm_is_held_back_and_counted() -> None:
    """No two messages about one event within `every`; the next one says how many there were."""
    rules = (rule("lost", every=timedelta(minutes=5)),)
    tally = Tally(job_id=JOB.id)
    helds = []
    for seconds in (0, 1, 2, 299, 300, 301):
        run = ended("l", seconds)
        tally = count_end(tally, run, rules, final=True)
        helds.append([tiding.held for tiding in tally.decided(run.id) or ()])
    assert helds == [[0], [], [], [], [3], []]


def test_a_job_that_fails_and_recovers_every_second_sends_no_storm() -> None:
    """A failure held back alarms nobody, so there is no recovery to tell either."""
    words = told("fs" * 300, rule("failure", "recovery", every=timedelta(minutes=5)))
    assert [word for word in words if word] == ["failure", "recovery"] * 2
    assert words[0:2] == ["failure", "recovery"]


def test_a_failure_that_was_held_back_is_told_when_the_time_has_come() -> None:
    """A job that still fails must not stay unheard of."""
    words = told("fsfff", rule("failure", every=timedelta(seconds=4)))
    assert words == ["failure", "", "", "", "failure"]


def test_a_clock_that_was_set_back_holds_nothing_back_for_long() -> None:
    """A channel is not silent until the clock has caught up."""
    rules = (rule("lost", every=timedelta(minutes=5)),)
    tally = count_end(Tally(job_id=JOB.id), ended("l", 90_000), rules, final=True)
    run = ended("l", 0)
    assert count_end(tally, run, rules, final=True).decided(run.id)


def test_a_tally_remembers_so_many_runs() -> None:
    """It does not grow with a job's history, nor with its former rules."""
    tally = Tally(job_id=JOB.id)
    for number in range(REMEMBERED + 5):
        tally = count_end(tally, ended("l", number), (rule("lost", "failure"),), final=True)
    assert len(tally.counted) == REMEMBERED

    tally = count_end(tally, ended("s"), (rule("success", channel="other"),), final=True)
    assert list(tally.told) == ["success other"]
    assert tally.is_calm


def test_one_channel_is_told_of_an_event_by_one_rule() -> None:
    """A second one would be the same notification."""
    rules = (rule("failure", "lost"), rule("recovery"), rule("lost", after=3))
    [fault] = rule_faults(rules)
    assert fault.field == "notify.2.on"
    assert "'ops' of lost" in fault.message


@pytest.mark.parametrize(
    ("rules", "field", "says"),
    [
        ([{}], "notify.0.channel", "is required"),
        ([{"channel": "ops", "on": ["test"]}], "notify.0.on.0", "'failure'"),
        ([{"channel": "ops", "on": []}], "notify.0.on", "must not be empty"),
        ([{"channel": "ops", "on": ["lost", "lost"]}], "notify.0.on", "twice"),
        ([{"channel": "ops", "after": 0}], "notify.0.after", "at least 1"),
        ([{"channel": "ops", "late_by": "0s"}], "notify.0.late_by", "longer than zero"),
        ([{"channel": "ops", "ever": "1m"}], "notify.0.ever", "write `every`"),
        ([{"channel": "ops"}, {"channel": "ops"}], "notify.1.on", "one is enough"),
        ({"channel": "ops"}, "notify", "list"),
    ],
)
def test_a_wrong_rule_is_refused(rules: Any, field: str, says: str) -> None:
    """With the place and the fix."""
    with pytest.raises(InvalidJob) as caught:
        a_definition(notify=rules)
    [fault] = caught.value.faults
    assert fault.field == field
    assert says in fault.message


def test_a_rule_has_defaults_for_everybody() -> None:
    """Told of the first failure and of the recovery, at most every five minutes."""
    [found] = a_definition(notify=[{"channel": "ops"}]).notify
    assert found == replace(
        Notify(channel="ops"), after=1, every=timedelta(minutes=5), late_by=timedelta(minutes=1)
    )
    assert found.on == ("failure", "recovery")
