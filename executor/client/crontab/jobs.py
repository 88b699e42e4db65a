"""A crontab as jobs, with a report of every line that is not as it was.  Pure.

Rules
-----
1. A job does what its line did wherever a job can say so: the shell that cron would have used,
   its variables, its standard input, its user, runs that overlap, and no limit that would end a
   run that cron would have let go on.
2. What is different for every line alike is said once, without a line.
3. What a job cannot say, or says differently in some case, is reported with the number of the
   line, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from executor.client.crontab.columns import Finding, read_schedule
from executor.client.crontab.naming import name_of
from executor.client.crontab.reading import Entry, Mistake, Variable, read_lines
from executor.client.imported import NO_LIMIT, Imported, Kind, Names, Note
from executor.domain.errors import InvalidInput
from executor.domain.job import definition_from_document
from executor.domain.template import literally
from executor.domain.zone import zone

#: The shell of cron where the file names no other.
_SHELL: Final = "/bin/sh"

_MINUTES: Final = re.compile(r"[0-9]{1,4}", re.ASCII)

#: Variables that cron itself obeys and that are nothing to the program.
_NOT_PASSED: Final = frozenset({"CRON_TZ", "RANDOM_DELAY", "LOGNAME", "USER"})

#: What is different for all lines.
_FOR_ALL: Final = {
    "missed": (
        "cron forgets what came due while the machine was off; here the latest slot of up to an "
        "hour is caught up (`misfire`), and a run whose machine died is repeated (`retrigger`)"
    ),
    "output": "cron mails what a command says; here it is kept with the run",
    "environment": (
        "cron gives a command HOME, LOGNAME, SHELL and PATH=/usr/bin:/bin only; here it finds "
        "the service's environment besides the variables of the file"
    ),
    "folder": (
        "cron starts a command in its user's home; here in HOME of the file, else in the "
        "service's folder: set `cwd` where that matters"
    ),
    "limit": f"cron never ends a run; here it is ended after {NO_LIMIT} (`timeout`)",
    "machine": "cron runs a line on every machine that has the file; here one of all does",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a crontab is to be read and what is to be made of it.

    Attributes:
        system: a sixth column names the user.
        timezone: of the machine that the crontab is from.
        owner, tags: of all jobs.
        now: for changes of clocks; aware.
    """

    system: bool
    timezone: str
    now: datetime
    owner: str = ""
    tags: Sequence[str] = ()


@dataclass(slots=True)
class _State:
    manner: Manner
    found: Imported = field(default_factory=Imported)
    names: Names = field(default_factory=Names)

    def note(self, line: int, kind: Kind, code: str, message: str) -> None:
        self.found.notes.append(Note(kind, code, message, line))


def jobs_of(text: str, manner: Manner) -> Imported:
    """Return the jobs of the crontab *text* and the report."""
    state = _State(manner)
    for code, message in _FOR_ALL.items():
        state.note(0, Kind.DIFFERS, code, message)
    _about_the_text(text, state)
    for line in read_lines(text, system=manner.system):
        if isinstance(line, Mistake):
            state.note(line.line, Kind.REFUSED, "columns", line.message)
        elif isinstance(line, Variable):
            _about_the_variable(line, state)
        else:
            _take(line, state)
    state.found.notes.sort(key=lambda note: note.line)
    return state.found


def _about_the_text(text: str, state: _State) -> None:
    if "\r\n" in text:
        message = "lines end as on Windows; cron would have made the CR a part of each command"
        state.note(0, Kind.DIFFERS, "line_ends", message)
    if text and not text.endswith("\n"):
        last = text.count("\n") + 1
        message = "has no line break at its end, without which cron does not run it; taken"
        state.note(last, Kind.DIFFERS, "last_line", message)


#: What is to be said of a variable that means something to cron.
_VARIABLES: Final = {
    "MAILTO": "nobody gets mail; the command finds the variable, no more",
    "MAILFROM": "nobody gets mail; the command finds the variable, no more",
    "TZ": (
        "is passed to commands; it moves schedules in some crons, in Debian's it does not, nor "
        "here: write CRON_TZ, or --timezone, if it is meant to"
    ),
    "CRON_TZ": "is the zone of the schedules below; Debian's cron ignores it, cronie does not",
    "RANDOM_DELAY": (
        "is taken as `jitter`: cronie draws one delay when it starts, here each slot has its own"
    ),
    "LOGNAME": "is not taken: cron does not let it be set either",
    "USER": "is not taken: cron does not let it be set either",
}


def _about_the_variable(variable: Variable, state: _State) -> None:
    name, value = variable.name, variable.value
    if name == "RANDOM_DELAY" and not _MINUTES.fullmatch(value):
        message = f"{name}: {value!r} is no number of minutes; the jobs start without a delay"
        state.note(variable.line, Kind.REFUSED, "random_delay", message)
    elif name in _VARIABLES and (value or not name.startswith("MAIL")):
        state.note(variable.line, Kind.DIFFERS, name.lower(), f"{name}: {_VARIABLES[name]}")


def _take(entry: Entry, state: _State) -> None:
    variables = entry.variables
    timezone = variables.get("CRON_TZ") or state.manner.timezone
    delay = variables.get("RANDOM_DELAY", "")
    jitter = f"PT{int(delay)}M" if _MINUTES.fullmatch(delay) else "PT0S"
    try:
        zone(timezone)
    except InvalidInput as error:
        state.note(entry.line, Kind.REFUSED, "zone", error.faults[0].message)
        return
    columns = read_schedule(entry.schedule, timezone, jitter, state.manner.now)
    if isinstance(columns, Finding):
        state.note(entry.line, columns.kind, columns.code, columns.message)
        return
    document = {**_about(entry, state), "schedule": columns.schedule, "target": _target(entry)}
    document |= {"overlap": {"policy": "allow"}, "timeout": NO_LIMIT}
    try:
        definition_from_document({**document, "name": "x"})
    except InvalidInput as error:
        reasons = "; ".join(f"{fault.field}: {fault.message}" for fault in error.faults)
        state.note(entry.line, Kind.REFUSED, "job", f"makes no job: {reasons}")
        return
    for finding in (*columns.findings, *_findings(entry)):
        state.note(entry.line, finding.kind, finding.code, finding.message)
    name = state.names.unique(name_of(entry.command, entry.comment))
    state.found.add({"name": name, **document}, entry.line)


def _about(entry: Entry, state: _State) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if entry.comment:
        about["description"] = "\n".join(entry.comment)
    if state.manner.owner:
        about["owner"] = state.manner.owner
    if state.manner.tags:
        about["tags"] = list(state.manner.tags)
    return about


def _target(entry: Entry) -> dict[str, Any]:
    variables = entry.variables
    argv = [variables.get("SHELL", _SHELL), "-c", entry.command]
    if entry.stdin is not None:
        argv = [_SHELL, "-c", _fed(entry.stdin), *argv]
    target: dict[str, Any] = {"kind": "command", "argv": [literally(word) for word in argv]}
    env = {name: literally(value) for name, value in variables.items() if name not in _NOT_PASSED}
    if env:
        target["env"] = env
    if variables.get("HOME"):
        target["cwd"] = variables["HOME"]
    if entry.user:
        target["user"] = re.split(r"[:/]", entry.user)[0]
    return target


def _fed(text: str) -> str:
    """Return a script that runs its arguments as a program which reads *text*."""
    end = "END"
    while end in text.split("\n"):
        end += "_"
    return f'exec "$0" "$@" <<\'{end}\'\n{text}{end}\n'


def _findings(entry: Entry) -> list[Finding]:
    found: list[Finding] = []
    if entry.stdin is not None:
        message = "what follows `%` is given to the command by a shell's here-document"
        found.append(Finding(Kind.TOLD, "stdin", message))
    if entry.quiet:
        message = "`-` keeps the line out of the system's log; here every run is recorded"
        found.append(Finding(Kind.DIFFERS, "quiet", message))
    if entry.user and re.search(r"[:/]", entry.user):
        message = f"`{entry.user}`: group and class are not taken; the user's own are used"
        found.append(Finding(Kind.DIFFERS, "group", message))
    if not entry.user and entry.command.split(None, 1)[:1] == ["root"]:
        message = "`root` looks like the user's column of /etc/crontab; read the file with --system"
        found.append(Finding(Kind.DIFFERS, "user_column", message))
    return found


def is_system_path(path: str) -> bool:
    """Whether cron reads *path* with a column for the user."""
    return bool(re.fullmatch(r"/etc/(?:crontab|cron\.d/[^/]+)", path))
