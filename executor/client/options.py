"""A job written as options of the command line: the usual cases, without a file.

Rules
-----
1. An option says one field, or leaves it to the service's default.
2. The service judges; a fault of a field is told as one of the option that it came from.
3. ``--every`` counts from the instant that the service takes for now: the first run is due one
   such time later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from executor.domain.duration import format_duration, parse_duration
from executor.domain.instant import to_text

#: Options that say what a run does; exactly one of them is given.
TARGETS: Final = ("http", "command", "python", "message")

#: Options that say when, of which at most one is given.
WHEN: Final = ("cron", "every", "at")

#: Field -> option, where they are called differently; the longest field that fits counts.
_OPTIONS: Final[Mapping[str, str]] = {
    "name": "NAME",
    "schedule.expression": "--cron",
    "schedule.timezone": "--tz",
    "schedule.dialect": "--dialect",
    "schedule.at": "--at",
    "schedule": "--cron",
    "target.url": "--http",
    "target.method": "--method",
    "target.headers": "--header",
    "target.body": "--body",
    "target.command": "--command",
    "target.cwd": "--cwd",
    "target.env": "--env",
    "target.callable": "--python",
    "target.arguments": "--argument",
    "retry.attempts": "--retries",
    "overlap.policy": "--overlap",
    "misfire.policy": "--misfire",
    "notify": "--notify",
    "tags": "--tag",
    "after": "--after",
    **{one: f"--{one}" for one in ("description", "owner", "timeout")},
}

#: The least time ahead of the first run of ``--every``, so that it is not over on arrival.
_LEAD: Final = timedelta(seconds=5)


class BadOption(ValueError):
    """What an option says makes no sense; ``option`` is its name."""

    def __init__(self, option: str, message: str) -> None:
        self.option = option
        super().__init__(message)


def document_of(name: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the definition of the job *name*; *given* are the options, None where absent.

    Args:
        now: the service's, aware.

    Raises:
        BadOption: they contradict one another, or one cannot be read.
    """
    document: dict[str, Any] = {"name": name, "target": _target(given)}
    schedule = _schedule(given, now)
    if schedule is not None:
        document["schedule"] = schedule
    simple = ("description", "owner", "timeout")
    document |= {one: given[one] for one in simple if given.get(one) is not None}
    nested = {"retries": ("retry", "attempts"), "overlap": ("overlap", "policy"),
              "misfire": ("misfire", "policy")}  # fmt: skip
    for option, (field, inner) in nested.items():
        if given.get(option) is not None:
            document[field] = {inner: given[option]}
    if given.get("tag"):
        document["tags"] = list(given["tag"])
    if given.get("notify"):
        document["notify"] = [{"channel": one} for one in given["notify"]]
    if given.get("after"):
        document["after"] = {"jobs": list(given["after"])}
    if given.get("disabled"):
        document["enabled"] = False
    return document


def option_of(field: str, given: Mapping[str, Any]) -> str:
    """Return the option that *field* (a dotted path) came from; the field itself if from none.

    >>> option_of("schedule.timezone", {}), option_of("target.headers.X", {})
    ('--tz', '--header')
    """
    if field.startswith("schedule") and field != "schedule.timezone" and given.get("every"):
        return "--every"
    shorter = field
    while shorter:
        if shorter in _OPTIONS:
            return _OPTIONS[shorter]
        shorter = shorter.rpartition(".")[0]
    return field


def _one_of(given: Mapping[str, Any], options: Sequence[str]) -> str | None:
    found = [one for one in options if given.get(one)]
    if len(found) > 1:
        both = " and ".join(f"--{one}" for one in found)
        raise BadOption(f"--{found[1]}", f"{both} exclude each other; keep one of them")
    return found[0] if found else None


def _schedule(given: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    kind = _one_of(given, WHEN)
    zone = {} if given.get("tz") is None else {"timezone": given["tz"]}
    if kind != "cron" and given.get("dialect") is not None:
        raise BadOption("--dialect", "is that of --cron; give both, or neither")
    if zone and kind not in {"cron", "every"}:
        raise BadOption("--tz", "is the clock of --cron or --every; give one of them")
    if kind is None:
        return None
    if kind == "at":
        return {"kind": "once", "at": given["at"]}
    if kind == "every":
        return {"kind": "interval", "expression": _interval(given["every"], now), **zone}
    dialect = {} if given.get("dialect") is None else {"dialect": given["dialect"]}
    return {"kind": "cron", "expression": given["cron"], **dialect, **zone}


def _interval(every: str, now: datetime) -> str:
    try:
        distance = parse_duration(every)
    except ValueError as error:
        raise BadOption("--every", str(error)) from None
    start = (now + max(distance, _LEAD)).replace(microsecond=0)
    return f"R/{to_text(start)}/{format_duration(distance)}"


def _target(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = _one_of(given, TARGETS)
    if kind is None:
        offered = ", ".join(f"--{one}" for one in TARGETS)
        raise BadOption("--http", f"what shall it do? Give one of {offered}, or a file with -f")
    parts = {
        "http": ("url", {"method": "method", "body": "body", "header": "headers"}),
        "command": ("command", {"cwd": "cwd", "env": "env"}),
        "python": ("callable", {"argument": "arguments"}),
        "message": (None, {"argument": "arguments"}),
    }
    main, own = parts[kind]
    foreign = {option for _, names in parts.values() for option in names} - set(own)
    for option in sorted(foreign):
        if given.get(option):
            raise BadOption(f"--{option}", f"does not go with --{kind}; leave it out")
    target: dict[str, Any] = {"kind": kind} if main is None else {"kind": kind, main: given[kind]}
    for option, field in own.items():
        value = given.get(option)
        if isinstance(value, tuple | list):
            value = _pairs(option, value, ":" if option == "header" else "=")
        if value:
            target[field] = value
    return target


def _pairs(option: str, texts: Sequence[str], mark: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in texts:
        name, given, value = one.partition(mark)
        if not given:
            raise BadOption(f"--{option}", f"{one!r} has no `{mark}`; write NAME{mark}VALUE")
        found[name.strip()] = value.strip() if option == "header" else value
    return found
