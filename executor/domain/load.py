"""How many runs start in each minute of the next 24 hours: what the schedules add up to.

Pure: the caller brings the schedules, each once with its number of jobs, and the instant.

Rules
-----
1. A start is a fire time plus its jitter.  Blackouts, overlap, retries and runs on request
   are left out: this is what schedules ask for.
2. The work is bounded: :data:`BUDGET` steps, whatever the schedules are.  What they do not
   suffice for is estimated from a sample, and the answer says so.
3. The same schedules and instant give the same answer, also where it is an estimate: the
   sample is drawn by hashing.  In it jitter is spread evenly.
4. A minute in which a schedule is due oftener than once counts as a whole, also where a
   bound or a clock change cuts it short; with jitter its starts stay together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final, Protocol

from executor.domain.preview import schedule_text
from executor.domain.schedule import (
    CronSchedule,
    IntervalSchedule,
    Schedule,
    jitter_of,
    next_epoch,
)
from executor.domain.schedule_fields import jitter_ms
from executor.domain.spread import draw

#: Minutes looked at: a day.
MINUTES: Final = 1_440

#: Steps of one answer, 4 to 7 microseconds each: an eighth of a second on a slow machine.
BUDGET: Final = 24_000

#: Steps that it takes to read a schedule that nobody has asked about before.
_READING: Final = 20

#: Steps that hashing the jitter of one minute takes.
_HASHING: Final = 2


class Counted(Protocol):
    """A schedule and how many jobs have it; ``job_id`` is set where starts depend on the job."""

    @property
    def schedule(self) -> Schedule:
        """As :func:`~executor.domain.schedule.for_job` makes it."""
        ...

    @property
    def jobs(self) -> int:
        """At least one."""
        ...

    @property
    def job_id(self) -> str | None:
        """The one job, if starts depend on it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Starts per minute.

    Attributes:
        since: the beginning of the first minute.
        minutes: starts in each, :data:`MINUTES` of them.
        jobs: how many jobs were counted.
        estimated: a part of the schedules stands for the others.
    """

    since: datetime
    minutes: tuple[int, ...]
    jobs: int
    estimated: bool

    @property
    def peak(self) -> tuple[datetime, int] | None:
        """The first of the fullest minutes and its starts; None if nothing starts at all."""
        most = max(self.minutes)
        if not most:
            return None
        return self.since + timedelta(minutes=self.minutes.index(most)), most


def load(counts: Iterable[Counted], now: datetime, budget: int = BUDGET) -> Load:
    """Return the starts of the day that begins with the minute of *now* (aware).

    Half of *budget* is for the schedules that most jobs have, one after another, the other half
    for a sample of what is left.
    """
    since = now.astimezone(UTC).replace(second=0, microsecond=0)
    since_s = int(since.timestamp())
    ranked = sorted(counts, key=lambda one: (-one.jobs, _lot(one.schedule, one.job_id)))
    known = _Tally(since_s)
    known.add([(one.schedule, one.jobs, one.job_id) for one in ranked], budget // 2)
    minutes = known.starts()
    merged: Counter[Schedule] = Counter()
    for one in ranked[known.schedules :]:
        merged[one.schedule] += one.jobs
    if merged:
        drawn = sorted(merged, key=lambda schedule: _lot(schedule, None))
        sample = _Tally(since_s)
        sample.add([(schedule, merged[schedule], None) for schedule in drawn], budget // 2)
        weight = merged.total() / sample.jobs
        pairs = zip(minutes, sample.starts(), strict=True)
        minutes = [exact + weight * other for exact, other in pairs]
    return Load(
        since=since,
        minutes=tuple(map(round, minutes)),
        jobs=sum(one.jobs for one in ranked),
        estimated=bool(merged),
    )


def _lot(schedule: Schedule, job_id: str | None) -> int:
    key = schedule.key if isinstance(schedule, CronSchedule) else ""
    return draw("load", job_id or key or schedule_text(schedule))


class _Tally:
    """The starts of some schedules; ``schedules`` were added, ``jobs`` have them."""

    def __init__(self, since_s: int) -> None:
        self._since_s = since_s
        #: By how much each minute has more starts than the one before.
        self._steps = [0.0] * (MINUTES + 1)
        self.schedules = self.jobs = 0

    def starts(self) -> list[float]:
        """Return the starts in each minute."""
        return list(accumulate(self._steps[:MINUTES]))

    def add(self, counts: Iterable[tuple[Schedule, int, str | None]], budget: int) -> None:
        """Add schedules with their jobs until *budget* steps are taken, at least one schedule.

        Jitter is that of the job, or without one spread evenly.
        """
        taken = 0
        for schedule, jobs, job_id in counts:
            longest_s = -(-jitter_ms(schedule.jitter) // 1000)
            taken += _READING
            for slot_s, number in self._due(schedule, longest_s):
                if longest_s and job_id is not None:
                    taken += _HASHING
                    fire_at = datetime.fromtimestamp(slot_s, UTC)
                    delay = jitter_of(schedule, job_id, fire_at)
                    start_s = slot_s + delay // timedelta(seconds=1)
                    self._put(start_s, start_s, number * jobs)
                else:
                    self._put(slot_s, slot_s + max(longest_s - 1, 0), number * jobs)
                taken += 1
            self.schedules += 1
            self.jobs += jobs
            if taken >= budget:
                break

    def _put(self, first_s: int, last_s: int, starts: int) -> None:
        """Spread *starts* evenly over the minutes from *first_s* to *last_s*."""
        first, last = (first_s - self._since_s) // 60, (last_s - self._since_s) // 60
        share = starts / (last - first + 1)
        if last >= 0 and first < MINUTES:
            self._steps[max(first, 0)] += share
            self._steps[min(last + 1, MINUTES)] -= share

    def _due(self, schedule: Schedule, longest_s: int) -> Iterator[tuple[int, int]]:
        """Yield for each minute with slots the first of them and how many there are.

        From so long before the day that the longest jitter may reach into it.
        """
        until_s = self._since_s + MINUTES * 60
        found = next_epoch(schedule, self._since_s - longest_s - 1)
        while found is not None and found < until_s:
            minute_end = found - found % 60 + 60
            yield found, _in_minute(schedule, found, minute_end)
            found = next_epoch(schedule, minute_end - 1)


def _in_minute(schedule: Schedule, first: int, end: int) -> int:
    """Return how many slots there are from *first* up to the minute's *end*, see rule 4."""
    if isinstance(schedule, CronSchedule):
        return schedule.cron().second.bits.bit_count()
    if isinstance(schedule, IntervalSchedule):
        interval = schedule.interval()
        if interval.elapsed and interval.repeats != 0:
            return (end - 1 - first) // interval.seconds + 1
    return 1
