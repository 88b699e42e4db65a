"""What cron's five columns mean there, written so that they mean the same here.

Rules
-----
1. What cron refuses is refused, in the words of the schedule that would be made of it.
2. A step beyond its range matches the first value alone; it is written as that value.
3. ``a/n`` is read differently by different crons, ``~`` chooses at random in cronie: both are
   taken, and reported.
4. A day has to match either day column, but both as soon as one of them begins with ``*``: the
   same rule here.  Where rule 2 takes the star away, ``dom_dow: and`` keeps its effect.
5. cron treats an entry as a fixed time unless its minute or hour begins with ``*``; here, unless
   one of them runs through all of its field.  The two differ for lists and ranges that do so
   without a star, and only on the days when clocks change.

Source: crontab(5), cron(8), and ``get_range`` of Vixie's cron 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from executor.client.imported import Kind
from executor.domain import zone
from executor.domain.cron import Cron, DayRule, Dialect, parse
from executor.domain.cron_column import DAY, HOUR, MINUTE, MONTH, WEEKDAY, Unit
from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import CronSchedule

#: Names that cron knows, and the two of FreeBSD's that have an equal here.
MACROS: Final = {
    "@hourly": "@hourly",
    "@daily": "@daily",
    "@midnight": "@midnight",
    "@weekly": "@weekly",
    "@monthly": "@monthly",
    "@yearly": "@yearly",
    "@annually": "@annually",
    "@every_minute": "* * * * *",
}

#: How far ahead changes of clocks are looked for: every zone that changes does so each year.
_AHEAD: Final = timedelta(days=400)

_STEP: Final = re.compile(r"(\*|(\w+)-(\w+))/(\d+)", re.ASCII)
_LONE_STEP: Final = re.compile(r"\d+/\d+", re.ASCII)
_RANDOM: Final = re.compile(r"(\d*)~(\d*)(/\d+)?", re.ASCII)
_OURS: Final = re.compile(r"(?:^|,)(?:[lh]|\d+[lw]|.*#|.*\?)", re.I)

#: The units of the columns, for their names, and the greatest value that cron takes in each.
_UNITS: Final = ((MINUTE, 59), (HOUR, 23), (DAY, 31), (MONTH, 12), (WEEKDAY, 7))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the columns that the report should say."""

    kind: Kind
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that are understood: a schedule's document, and what is to be said of it."""

    schedule: Any
    findings: tuple[Finding, ...]


def read_schedule(text: str, timezone: str, jitter: str, now: datetime) -> Columns | Finding:
    """Return what the columns *text* are here, or why they cannot be taken.

    Args:
        text: five columns with blanks between, or a name.
        timezone: on whose clock they are read.
        jitter: longest delay of a start, an ISO 8601 duration.
        now: from when on changes of clocks are looked for; aware.
    """
    findings: list[Finding] = []
    rule = DayRule.CRON
    if text in MACROS:
        expression = MACROS[text]
    elif text.startswith("@"):
        return _macro(text)
    else:
        expression, rule = _rewritten(text.split(" "), findings)
    try:
        schedule = CronSchedule(expression, timezone=timezone, dom_dow=rule, jitter=jitter)
        cron = parse(expression, Dialect.CRON5, rule)
    except InvalidSchedule as error:
        return Finding(Kind.REFUSED, "columns", "; ".join(f.message for f in error.faults))
    findings += _clock_findings(text, cron, timezone, now)
    return Columns(_document(schedule), tuple(findings))


def _macro(text: str) -> Finding:
    if text == "@reboot":
        message = (
            "runs when cron starts, and there is no such moment in a cluster; start it from "
            "the system (a systemd unit with WantedBy=multi-user.target), or make a job without "
            "a schedule and trigger it from there"
        )
        return Finding(Kind.REFUSED, "reboot", message)
    if re.fullmatch(r"@(?:every_second|[0-9]+)", text):
        message = "counts seconds from the end of the last run; write a schedule of kind `interval`"
        return Finding(Kind.REFUSED, "seconds", message)
    return Finding(
        Kind.REFUSED, "macro", f"`{text}` is no name that cron knows: {', '.join(MACROS)}"
    )


def _rewritten(words: list[str], findings: list[Finding]) -> tuple[str, DayRule]:
    """Return the columns as they are written here, and the rule of days."""
    written = []
    for word, (unit, high) in zip(words, _UNITS, strict=True):
        items = [_item(item, unit, high, findings) for item in word.split(",")]
        written.append(",".join(items))
        if _OURS.search(word):
            text = f"`{word}`: cron does not know this, and would not have run the line"
            findings.append(Finding(Kind.DIFFERS, "not_cron", text))
    stars = [word.startswith("*") for word in (words[2], words[4])]
    kept = [word.startswith("*") for word in (written[2], written[4])]
    rule = DayRule.AND if any(stars) and not any(kept) else DayRule.CRON
    return " ".join(written), rule


def _item(item: str, unit: Unit, high: int, findings: list[Finding]) -> str:
    """Return one item of a column as it is written here."""
    low = unit.low
    if found := _STEP.fullmatch(item):
        first, last = found[2] or str(low), found[3] or str(high)
        if unit.fault(first) or unit.fault(last):
            return item
        reach = unit.number(last) - unit.number(first)
        if high == reach == 7:
            # From Sunday to Sunday, which is one day.
            reach = 6
        if 0 <= reach < int(found[4]):
            text = f"`{item}`: the step leaves `{first}` alone, which is what is written"
            findings.append(Finding(Kind.TOLD, "wide_step", text))
            return first
    elif _LONE_STEP.fullmatch(item):
        value, _, step = item.partition("/")
        text = (
            f"`{item}`: some crons run at {value} alone, some refuse it, and some go on to {high} "
            f"in steps of {step}, as is done here; write `{value}` or `{value}-{high}/{step}`"
        )
        findings.append(Finding(Kind.DIFFERS, "lone_step", text))
    elif (found := _RANDOM.fullmatch(item)) and not found[3]:
        drawn = f"H({found[1] or low}-{found[2] or high})"
        text = f"`{item}`: cronie draws anew when it reads the file; here the job keeps its draw"
        findings.append(Finding(Kind.DIFFERS, "random", text))
        return drawn
    return item


def _clock_findings(text: str, cron: Cron, timezone: str, now: datetime) -> Iterator[Finding]:
    """Say what is different on the days when clocks change."""
    start = int(now.timestamp())
    end = int((now + _AHEAD).timestamp())
    gaps = [c for c in zone.zone(timezone).changes(start, end) if c.after > c.before]
    if not gaps or text.startswith("@"):
        return
    minute, hour, *_ = text.split(" ")
    fixed_there = not (minute.startswith("*") or hour.startswith("*"))
    if fixed_there is not cron.fixed:
        yield Finding(Kind.DIFFERS, "wildcard", _wildcard(fixed_there))
        return
    if not cron.fixed:
        return
    for change in gaps:
        times = _times_in(cron, change.instant + change.before, change.after - change.before)
        if times > 1:
            yield Finding(Kind.DIFFERS, "gap", _gap(times))
            return


def _wildcard(fixed_there: bool) -> str:
    if fixed_there:
        return (
            "runs through its hours or minutes without a `*`: on the days when clocks change cron "
            "makes up for what they skip and leaves out what they repeat; here nothing is made up "
            "for, and what is repeated runs twice. The same as before needs another schedule; "
            "with `*` cron does what is done here"
        )
    return (
        "begins with `*` but names fixed times: on the days when clocks change cron runs what is "
        "repeated twice and leaves out what is skipped; here it runs once in either case. Set "
        '`"gap": "skip", "fold": "both"` for the same'
    )


def _gap(times: int) -> str:
    return (
        f"is due {times} times in the hour that clocks skip in spring: cron runs it {times} times "
        "right after the change, here it runs once"
    )


def _times_in(cron: Cron, local: int, seconds: int) -> int:
    """Return how often *cron*, on a day that matches, is due in *seconds* from *local* on."""
    first = local // 60
    return sum(
        bool(cron.hour.bits >> (at // 60 % 24) & 1 and cron.minute.bits >> (at % 60) & 1)
        for at in range(first, first + seconds // 60)
    )


def _document(schedule: CronSchedule) -> Any:
    """Return the shortest document of *schedule*."""
    found: dict[str, Any] = {"kind": "cron", "expression": schedule.expression}
    for name, usual in (("timezone", "UTC"), ("dom_dow", DayRule.CRON), ("jitter", "PT0S")):
        value = getattr(schedule, name)
        if value != usual:
            found[name] = str(value)
    return found if len(found) > 2 else schedule.expression
