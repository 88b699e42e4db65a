"""The controls of what there are kinds of: the schedule and the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from web.ui.controls import Control, area, duration, flag, optional, pick, text, whole
from web.ui.notations import HEADERS, JSON, LINES, LONG, OPTIONAL, VARIABLES, WORDS

#: What values in braces are, in a few words.
_VALUES: Final = "Values such as `{{ fire_time }}`, `{{ run.id }}` and `{{ secret.NAME }}` are"

_ENVIRONMENT: Final = "`NAME=value`, one a line."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of schedule or target.

    Attributes:
        name: as in the definition; ``label``: as people say it.
        note: one sentence about it.
        first: the controls that matter; ``more``: those that are folded away.
    """

    name: str
    label: str
    note: str = ""
    first: tuple[Control, ...] = ()
    more: tuple[Control, ...] = ()

    @property
    def controls(self) -> tuple[Control, ...]:
        """All of them."""
        return self.first + self.more


def _bounds(kind: str) -> tuple[Control, ...]:
    return (
        duration(
            "schedule.jitter",
            "Spread starts over",
            kind=kind,
            example="0s",
            hint="Starts are delayed by up to this, a different time for each job.",
        ),
        optional(
            "schedule.not_before",
            "Not before",
            kind=kind,
            example="2030-01-01T00:00:00Z",
            hint="With `Z` or an offset.",
        ),
        optional(
            "schedule.not_after",
            "Not after",
            kind=kind,
            example="2030-12-31T23:59:59Z",
        ),
    )


_ZONE_HINT: Final = "Whose clocks the schedule is read on."

SCHEDULES: Final = (
    Kind(
        name="cron",
        label="Cron",
        first=(
            text(
                "schedule.expression",
                "When",
                kind="cron",
                example="30 2 * * *",
                mono=True,
                hint="Minute, hour, day, month, weekday. `*/5 * * * *` is every five minutes, "
                "`0 8 * * mon` Mondays at eight, `@daily` midnight; `H` is a minute of its own "
                "for each job.",
            ),
            text(
                "schedule.timezone",
                "Time zone",
                kind="cron",
                example="UTC",
                names="zones",
                hint=_ZONE_HINT,
            ),
        ),
        more=(
            pick(
                "schedule.dialect",
                "Written as",
                (
                    ("cron5", "Cron: minute to weekday"),
                    ("cron6s", "Cron with seconds first"),
                    ("quartz", "Quartz: seconds first, weekday 1 is Sunday, a year if you like"),
                ),
                kind="cron",
            ),
            pick(
                "schedule.dom_dow",
                "If day and weekday are both given",
                (("cron", "either is enough, as in cron"), ("and", "both have to match")),
                kind="cron",
            ),
            pick(
                "schedule.gap",
                "A time that clocks skip",
                (("run_after", "runs right after the gap"), ("skip", "does not run")),
                kind="cron",
            ),
            pick(
                "schedule.fold",
                "A time that clocks repeat",
                (
                    ("first", "runs the first time"),
                    ("second", "runs the second time"),
                    ("both", "runs both times"),
                ),
                kind="cron",
            ),
            *_bounds("cron"),
        ),
    ),
    Kind(
        name="interval",
        label="Interval",
        first=(
            text(
                "schedule.expression",
                "Every so often",
                kind="interval",
                example="R/2030-01-01T02:30:00Z/P1D",
                mono=True,
                hint="How often (`R` for ever, `R5` five times more), the first time, and how far "
                "apart: `PT10S`, `PT15M`, `P1D`, `P1M`.",
            ),
            optional(
                "schedule.timezone",
                "Time zone",
                kind="interval",
                example="the offset of the first time",
                names="zones",
                hint="Whose clocks days, months and years keep to.",
            ),
        ),
        more=_bounds("interval"),
    ),
    Kind(
        name="once",
        label="Once",
        first=(
            text(
                "schedule.at",
                "At",
                kind="once",
                example="2030-01-01T02:30:00Z",
                mono=True,
                hint="The one instant, with `Z` or an offset such as `+01:00`.",
            ),
        ),
        more=_bounds("once"),
    ),
    Kind(
        name="continuous",
        label="For ever",
        note="It is started again whenever it has ended.",
        first=(
            duration("schedule.delay", "Pause between runs", kind="continuous", example="1s"),
            duration(
                "schedule.max_delay",
                "At most, after failures in a row",
                kind="continuous",
                example="1m",
                hint="Each failure makes the pause twice as long, up to this.",
            ),
        ),
    ),
    Kind(
        name="none",
        label="On request",
        note="It runs when somebody asks for it, or after other jobs.",
    ),
)


def _limits(kind: str) -> tuple[Control, ...]:
    return (
        optional(
            "target.user",
            "Runs as the user",
            kind=kind,
            example="the service's own",
            hint="A name or a number; needs a service that runs as root.",
        ),
        optional("target.umask", "Mask of new files", kind=kind, example="022", mono=True),
        duration("target.limits.cpu", "CPU time at most", kind=kind, example="no limit"),
        optional("target.limits.memory", "Memory at most", kind=kind, example="512MiB"),
        whole("target.limits.processes", "Processes at most", kind=kind, example="no limit"),
        optional("target.limits.output", "Output kept", kind=kind, example="64KiB"),
    )


_HTTP_MORE: Final = (
    area(
        "target.headers",
        "Headers",
        HEADERS,
        kind="http",
        example="Content-Type: application/json",
        hint=f"`Name: value`, one a line. {_VALUES} filled in for each run.",
    ),
    area("target.body", "Body", LONG, kind="http", hint="Sent as it is, once filled in."),
    duration("target.timeout", "Longest exchange", kind="http", example="30s"),
    text(
        "target.expect",
        "Expected status",
        kind="http",
        notation=WORDS,
        example="2xx",
        hint="One or several: `200, 3xx`.",
    ),
    text(
        "target.expect_body.contains",
        "The answer contains",
        kind="http",
        notation=OPTIONAL,
        example="anything",
        wide=True,
    ),
    text(
        "target.expect_body.json_pointer",
        "Or its JSON has at",
        kind="http",
        notation=OPTIONAL,
        example="/status",
        mono=True,
        hint='A place in the document; `""` is all of it.',
    ),
    text(
        "target.expect_body.equals",
        "the value",
        kind="http",
        notation=JSON,
        example='"ok"',
        mono=True,
        hint='As JSON: `"ok"`, `3`, `true`, `null`.',
    ),
    text(
        "target.sign.secret",
        "Sign requests with the secret",
        kind="http",
        example="not signed",
        hint="Its name; the receiver can tell then who sent them.",
    ),
    flag("target.follow_redirects", "Follow redirects", True, kind="http"),
    flag(
        "target.callback",
        "An answer 202 means that it goes on, and reports by a call-back",
        False,
        kind="http",
    ),
    flag("target.tls.verify", "Check the certificate of an https address", True, kind="http"),
    area(
        "target.tls.ca",
        "Certificates to trust instead of the machine's",
        OPTIONAL,
        kind="http",
        example="-----BEGIN CERTIFICATE-----",
    ),
)

_COMMAND_MORE: Final = (
    area(
        "target.argv",
        "Or word by word",
        LINES,
        kind="command",
        hint="One word a line, instead of the command: nothing needs quotes then.",
    ),
    area("target.env", "Environment", VARIABLES, kind="command", hint=_ENVIRONMENT),
    optional("target.cwd", "Folder it runs in", kind="command", mono=True, wide=True),
    *_limits("command"),
)

_METHODS: Final = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

TARGETS: Final = (
    Kind(
        name="http",
        label="HTTP request",
        first=(
            pick(
                "target.method",
                "Method",
                tuple((method, method) for method in _METHODS),
                kind="http",
            ),
            text(
                "target.url",
                "URL",
                kind="http",
                example="https://example.com/report",
                mono=True,
            ),
        ),
        more=_HTTP_MORE,
    ),
    Kind(
        name="command",
        label="Command",
        first=(
            area(
                "target.command",
                "Command",
                OPTIONAL,
                kind="command",
                example="bash -c 'backup | gzip'",
                hint="Runs on the executor's machine. No shell: write `bash -c '…'` for pipes.",
            ),
        ),
        more=_COMMAND_MORE,
    ),
    Kind(
        name="python",
        label="Python",
        note="A function of a module that the operator permits, in a process of its own.",
        first=(
            text(
                "target.callable",
                "Function",
                kind="python",
                example="package.module:function",
                mono=True,
                wide=True,
            ),
        ),
        more=(
            area(
                "target.arguments",
                "Arguments",
                JSON,
                kind="python",
                example='{"region": "eu"}',
                hint=f"A JSON object; the function gets them by name. {_VALUES} filled in.",
            ),
            *_limits("python"),
        ),
    ),
    Kind(
        name="message",
        label="Worker",
        note="A message by way of RabbitMQ, to whoever takes those of this job's queue.",
        first=(
            area(
                "target.arguments",
                "Arguments",
                JSON,
                kind="message",
                example='{"region": "eu"}',
                hint="A JSON object, for the worker.",
            ),
        ),
    ),
    Kind(
        name="watched",
        label="Watched",
        note="Somebody else runs it, and pings an address that you are given when the job is made. "
        "The schedule says when pings are expected.",
        first=(
            duration(
                "target.grace",
                "Grace",
                kind="watched",
                example="10m",
                hint="A ping may be so late before the run has failed.",
            ),
        ),
    ),
)
