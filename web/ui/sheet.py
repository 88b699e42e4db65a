"""The form in which a job is written: every field of a definition, in the order of the page.

What most jobs need stands open: a name, what it does, when.  The rest is in groups that are folded
away, each about one question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from web.ui.controls import Control, area, duration, flag, flags, optional, pick, text, whole
from web.ui.notations import ENDLESS, LINES, LONG, NUMBER, VARIABLES, WHOLES, WORDS
from web.ui.sheet_parts import SCHEDULES, TARGETS, Kind

__all__ = ["GROUPS", "NAME", "PARTS", "ROWS", "SCHEDULES", "TARGETS", "Group", "Kind", "Rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A list of objects, each of which is written in a row of controls.

    Attributes:
        key: the control without which a row is none.
        one: what one of them is called.
    """

    name: str
    key: str
    one: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Controls about one question."""

    title: str
    controls: tuple[Control, ...] = ()
    rows: Rows | None = None


NAME: Final = text("name", "Name", example="nightly-report", hint="Unique among all jobs.")

#: The fields of which there are kinds.
PARTS: Final = {"target": TARGETS, "schedule": SCHEDULES}

_EVENTS: Final = (
    ("failure", "failure"),
    ("recovery", "recovery"),
    ("success", "success"),
    ("late", "a late start"),
    ("lost", "a lost run"),
    ("missed", "missed fire times"),
)

_NOTIFY: Final = Rows(
    name="notify",
    key="channel",
    one="Rule",
    controls=(
        text("channel", "Channel", names="channels", hint="Empty: no rule."),
        flags("on", "Tell of", _EVENTS, ("failure", "recovery")),
        whole("after", "Only at this failure in a row", example="1"),
        duration("late_by", "Late is, after", example="1m"),
        duration("every", "At most one message in", example="5m"),
    ),
)

_CALENDARS: Final = Rows(
    name="calendars",
    key="name",
    one="Calendar",
    controls=(
        text("name", "Calendar", names="calendars", hint="Empty: none."),
        pick(
            "policy",
            "What is due in a blackout",
            (("skip", "is skipped"), ("run_after", "runs when it is over")),
        ),
    ),
)

ROWS: Final = (_CALENDARS, _NOTIFY)

_ABOUT: Final = (
    area("description", "Description", LONG, mono=False),
    text("owner", "Owner", notation=LONG, example="whom to ask about it"),
    text("tags", "Tags", notation=WORDS, example="prod, billing", hint="Parted by commas."),
    area("labels", "Labels", VARIABLES, hint="`NAME=value`, one a line; for programs."),
    flag("enabled", "Enabled: it fires when it is due", True),
)

_FAILS: Final = (
    whole("retry.attempts", "Try again, times", example="0"),
    duration("retry.delay", "After", example="10s"),
    pick(
        "retry.backoff",
        "The next time",
        (("exponential", "after twice as long"), ("fixed", "after as long again")),
    ),
    duration("retry.max_delay", "After at most", example="10m"),
    text(
        "retry.jitter",
        "Shortened by up to the part",
        notation=NUMBER,
        example="0.1",
        hint="0 to 1; so that what failed together spreads out.",
    ),
    duration("retry.window", "Not later after it was due than", example="no limit"),
    flags(
        "retry.on",
        "Try again what has",
        (("failed", "failed"), ("timed_out", "timed out"), ("lost", "been lost")),
        ("failed", "timed_out", "lost"),
    ),
    text(
        "retry.exit_codes",
        "Only with the exit codes",
        notation=WHOLES,
        example="any",
        hint="Of commands: `75, 111`.",
    ),
    text(
        "retry.statuses",
        "Only with the statuses",
        notation=WORDS,
        example="any",
        hint="Of requests: `429, 5xx`.",
    ),
    whole(
        "retrigger",
        "Run a lost run again, times",
        example="1",
        hint="Lost: its executor died, and nobody knows how it ended.",
    ),
    optional(
        "on_failure",
        "Then run the job",
        example="none",
        hint="When the last attempt has failed: its name or id.",
    ),
)

_MEETS: Final = (
    pick(
        "overlap.policy",
        "While an earlier run is unfinished, the new one",
        (
            ("forbid", "is skipped"),
            ("allow", "starts all the same"),
            ("replace", "replaces the oldest"),
            ("queue", "waits for its turn"),
        ),
    ),
    whole("overlap.limit", "Runs at the same time", example="1"),
    whole("overlap.queue", "Runs that wait, at most", example="100"),
    optional(
        "lock",
        "Lock",
        example="none",
        hint="Jobs with the same lock never run at the same time.",
    ),
    pick(
        "misfire.policy",
        "After an outage or a pause",
        (
            ("once", "one run catches up for all"),
            ("latest", "one run, for the latest"),
            ("all", "each is caught up, oldest first"),
            ("skip", "they are skipped"),
        ),
    ),
    duration(
        "misfire.deadline",
        "Skipped if more late than",
        notation=ENDLESS,
        example="1h",
        hint="`none`: never too late.",
    ),
    duration(
        "misfire.only_if_next_later_than",
        "Catch up only if the next is further than",
        example="always",
    ),
)

_LASTS: Final = (
    duration(
        "timeout",
        "A run may take",
        example="1h",
        hint="Then it is ended. What runs for ever has no end unless you write one.",
    ),
    duration(
        "start_timeout",
        "And may wait for its start",
        example="no limit",
        hint="Then it is skipped.",
    ),
    duration(
        "heartbeat_timeout",
        "Longest silence of a worker",
        example="no limit",
        hint="Then its run is sent again, or lost.",
    ),
)

_AFTER: Final = (
    area("after.jobs", "After the jobs", LINES, hint="Names or ids, one a line."),
    pick(
        "after.when",
        "When they have",
        (("success", "succeeded"), ("failure", "failed"), ("finished", "ended in any way")),
    ),
    pick("after.mode", "Once", (("any", "for each of them"), ("all", "all of them have"))),
)

GROUPS: Final = (
    Group(title="About it", controls=_ABOUT),
    Group(title="When a run fails", controls=_FAILS),
    Group(title="Who is told", rows=_NOTIFY),
    Group(title="When runs meet, or are missed", controls=_MEETS),
    Group(title="When it must not run", rows=_CALENDARS),
    Group(title="How long it may take", controls=_LASTS),
    Group(title="After other jobs", controls=_AFTER),
    Group(
        title="What is kept, and who else hears of it",
        controls=(
            whole("keep_runs", "Runs kept, at most", example="100"),
            duration("keep_for", "And for", example="14d"),
            optional(
                "ping",
                "Ping a monitor at",
                example="https://hc-ping.com/{{ secret.CHECK }}",
                mono=True,
                wide=True,
                hint="Told of starts and ends, as healthchecks.io is.",
            ),
        ),
    ),
)


def controls() -> Iterator[Control]:
    """Yield every control that is not in a row."""
    yield NAME
    for kinds in PARTS.values():
        for kind in kinds:
            yield from kind.controls
    for group in GROUPS:
        yield from group.controls
