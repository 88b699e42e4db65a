"""The tally of a job: what has been counted and told of its runs, so that nothing is told twice.

Kept in the store, written by compare-and-set of its revision.  It remembers the runs that were
counted last and what was decided about each: whoever takes up an end that somebody else had
begun with repeats his decision instead of making another one.

Rules
-----
1. A run is counted once: by its start if that was late, and by its end.
2. Failures in a row are counted from final ends; a success ends the row.  What was skipped, or
   cancelled by somebody, is neither.
3. Every decision follows from the tally, the rules, and what is written in the run's row: it is
   the same whenever and by whomever it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from executor.domain.following import failed
from executor.domain.notify import Event, Notify
from executor.domain.run import Reason, Run, RunState

#: Counted runs that are remembered: more than end between a superseded executor's last write and
#: its successor's first look.
REMEMBERED: Final = 100


@dataclass(frozen=True, slots=True)
class Tiding:
    """A decision to tell: ``count`` failures in a row, after ``held`` earlier ones held back."""

    event: Event
    channel: str
    count: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A run that was counted, under a key for its start or its end, and what that led to."""

    key: str
    tidings: tuple[Tiding, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """When a channel was last told of an event, and how often it was not told since."""

    at: datetime
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is counted for one job.

    Attributes:
        revision: of this record; 0 for one that was never written.
        failures: final failures since the last success.
        alarmed: the events and channels (see :func:`_place`) that were told of them.
        told: by event and channel.
        counted: the oldest first.
    """

    job_id: str
    revision: int = 0
    failures: int = 0
    alarmed: frozenset[str] = frozenset()
    told: Mapping[str, Told] = field(default_factory=dict)
    counted: tuple[Counted, ...] = ()

    @property
    def is_calm(self) -> bool:
        """Whether a success would change nothing."""
        return not self.failures and not self.alarmed

    def decided(self, key: str) -> tuple[Tiding, ...] | None:
        """Return what was decided when the run of this key was counted; None if it was not."""
        return next((one.tidings for one in self.counted if one.key == key), None)


def start_key(run: Run) -> str:
    """Return the key under which the start of *run* is counted; its end has the run's id."""
    return f"{run.id} start"


def is_late(run: Run, rule: Notify) -> bool:
    """Whether *run* began later than *rule* has patience for."""
    if run.started_at is None or run.due is None or "late" not in rule.on:
        return False
    return run.started_at - run.due > rule.late_by


def is_missed(run: Run) -> bool:
    """Whether *run* stands for slots that were skipped as misfires."""
    return run.state is RunState.SKIPPED and run.reason is Reason.MISFIRE


def is_unheard(run: Run) -> bool:
    """Whether nobody was heard of *run*, which had been expected: a failure that is told apart."""
    return run.state is RunState.FAILED and run.reason is Reason.NO_PING


def count_start(tally: Tally, run: Run, rules: tuple[Notify, ...]) -> Tally:
    """Return *tally* after the start of *run*."""
    at = run.started_at or run.created_at
    return _count(tally, start_key(run), at, rules, lambda rule: _at_start(tally, run, rule))


def count_end(tally: Tally, run: Run, rules: tuple[Notify, ...], *, final: bool) -> Tally:
    """Return *tally* after the end of *run*; *final*: nothing repeats it."""
    if tally.decided(run.id) is not None:
        return tally
    if final and failed(run):
        tally = replace(tally, failures=tally.failures + 1)
    at = run.finished_at or run.started_at or run.created_at
    events = _at_end if final else _at_start
    unheard = is_unheard(run)
    counted = _count(tally, run.id, at, rules, lambda rule: events(tally, run, rule), unheard)
    if run.state is not RunState.SUCCEEDED:
        return counted
    return replace(counted, failures=0, alarmed=frozenset())


def _at_start(tally: Tally, run: Run, rule: Notify) -> Iterator[Event]:
    # Usually told when it started; otherwise at its end, the latest.
    if is_late(run, rule) and tally.decided(start_key(run)) is None:
        yield Event.LATE


def _at_end(tally: Tally, run: Run, rule: Notify) -> Iterator[Event]:
    yield from _at_start(tally, run, rule)
    if run.state is RunState.SUCCEEDED:
        if "success" in rule.on:
            yield Event.SUCCESS
        if "recovery" in rule.on and tally.alarmed:
            yield Event.RECOVERY
    elif run.state is RunState.LOST and "lost" in rule.on:
        yield Event.LOST
    elif is_unheard(run) and "missed" in rule.on:
        yield Event.MISSED
    elif failed(run):
        told = _place(Event.FAILURE, rule.channel) in tally.alarmed
        if "failure" in rule.on and tally.failures >= rule.after and not told:
            yield Event.FAILURE
    elif is_missed(run) and "missed" in rule.on:
        yield Event.MISSED


def _place(event: Event, channel: str) -> str:
    """Return the key of an event and a channel; no event has a space in its name."""
    return f"{event} {channel}"


def _count(
    tally: Tally,
    key: str,
    at: datetime,
    rules: tuple[Notify, ...],
    events: Callable[[Notify], Iterable[Event]],
    failing: bool = False,
) -> Tally:
    """Return *tally* with a run counted at *at*, and what each rule makes of its *events*.

    *failing*: to be told of it as missed is to be told of a failure.
    """
    if tally.decided(key) is not None:
        return tally
    places = {_place(Event(event), rule.channel) for rule in rules for event in rule.on}
    told = {place: one for place, one in tally.told.items() if place in places}
    alarmed = set(tally.alarmed)
    tidings = []
    for rule in rules:
        for event in events(rule):
            place = _place(event, rule.channel)
            before = told.get(place)
            if before is not None and event is not Event.RECOVERY and _is_soon(before, at, rule):
                told[place] = replace(before, held=before.held + 1)
                continue
            held = 0 if before is None else before.held
            tidings.append(Tiding(event, rule.channel, tally.failures, held))
            told[place] = Told(at)
            if event in {Event.FAILURE, Event.LOST} or (event is Event.MISSED and failing):
                alarmed.add(place)
    counted = (*tally.counted, Counted(key, tuple(tidings)))[-REMEMBERED:]
    return replace(tally, alarmed=frozenset(alarmed), told=told, counted=counted)


def _is_soon(before: Told, at: datetime, rule: Notify) -> bool:
    # A clock that was set back far would otherwise keep a channel silent until it has caught up.
    return abs(at - before.at) < rule.every
