"""Policies: what happens to a slot or a run when things do not go as planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from executor.domain.fields import CLOSED, Duration, JobSubject, PositiveDuration
from executor.domain.http_status import HTTP_STATUS, http_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfire:
    """What happens to slots found between the watermark and now: after an outage, or a pause.

    ``once``: one catch-up run, for the latest slot.  ``latest``: another name for it.
    ``all``: a run for each slot, at most 1,000 of them, one after another, the oldest first.
    ``skip``: none.  Slots that are not run are recorded as skipped.
    """

    __pydantic_config__ = CLOSED

    policy: Literal["once", "skip", "all", "latest"] = "once"
    deadline: PositiveDuration | None = timedelta(hours=1)
    """A slot noticed later than this is skipped, whatever the policy; null: never too late."""
    only_if_next_later_than: PositiveDuration | None = None
    """Catch up only if the next regular fire time is further away than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What happens to a run that comes due while ``limit`` runs of its job are unfinished.

    ``forbid``: it is skipped.  ``allow``: it starts all the same.  ``replace``: the oldest one is
    cancelled, and the new one starts when that has ended.  ``queue``: it waits for its turn.
    A run whose ``lock`` is held by another job waits for it, or is skipped under ``forbid``.
    """

    __pydantic_config__ = CLOSED

    policy: Literal["forbid", "allow", "replace", "queue"] = "forbid"
    limit: Annotated[int, Field(ge=1, le=1000)] = 1
    """Runs of the job at the same time; ``allow`` has no limit."""
    queue: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Most runs that wait; what comes due beyond is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Whether and when a run that did not succeed is tried again."""

    __pydantic_config__ = CLOSED

    attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    """How often, besides the first attempt."""
    delay: Duration = timedelta(seconds=10)
    """From the end of an attempt to the next one; longer, up to an hour, if the answer to a request
    asked for it with Retry-After."""
    backoff: Literal["exponential", "fixed"] = "exponential"
    """``exponential``: each delay is twice the one before."""
    max_delay: PositiveDuration = timedelta(minutes=10)
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Each delay is shortened by up to this part, so that what failed together spreads out."""
    window: PositiveDuration | None = None
    """No attempt begins later than this after the fire time (or the request)."""
    on: Annotated[
        tuple[Literal["failed", "timed_out", "lost"], ...], Field(min_length=1, max_length=3)
    ] = ("failed", "timed_out", "lost")
    exit_codes: Annotated[
        tuple[Annotated[int, Field(ge=0, le=255)], ...], Field(max_length=256)
    ] = ()
    """If given, a command that failed is tried again with these exit codes only."""
    statuses: Annotated[
        tuple[
            Annotated[str, BeforeValidator(http_status), WithJsonSchema(HTTP_STATUS)],
            ...,
        ],
        Field(max_length=100),
    ] = ()
    """If given, a request that failed is tried again with these HTTP statuses only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarUse:
    """A calendar whose windows are blackouts of the job.

    ``skip``: what is due in one is skipped, and so is what jitter would start in one.
    ``run_after``: it is put off to the end; of several slots in one blackout the first is, and the
    others are skipped.
    """

    __pydantic_config__ = CLOSED

    name: JobSubject
    policy: Literal["skip", "run_after"] = "skip"


def _distinct(jobs: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({job for job in jobs if jobs.count(job) > 1})
    if twice:
        raise ValueError(f"names {twice[0]!r} twice")
    return jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Run after other jobs: once for each matching end (``any``), or once all have had one."""

    __pydantic_config__ = CLOSED

    jobs: Annotated[
        tuple[JobSubject, ...], Field(min_length=1, max_length=100), AfterValidator(_distinct)
    ]
    """Names or ids."""
    when: Literal["success", "failure", "finished"] = "success"
    """Which end counts, after the last attempt; ``finished`` is any, a cancellation too."""
    mode: Literal["any", "all"] = "any"
