"""How log lines look.

Every call in the project has one shape: a fixed sentence, and the facts beside it.

    logger.info("run finished", extra={"action": "run_finished", "run_id": run.id, "term": 17})

``action`` is the stable name of the event, for machines; sentences may be reworded.  A
fact cannot be called ``name``, ``args``, ``module``, ``process`` or ``thread``: the
standard library has taken those.

Two forms.  *Human*: time in UTC, level, sentence, then ``key=value`` facts.  *JSON*: one
object per line with ``time``, ``level``, ``logger``, ``action``, ``message``, ``instance``,
``process`` and the facts.  One record is one line and one write in both forms, so lines of
several processes on one pipe do not mix; control characters in facts cannot forge lines.
"""

from __future__ import annotations

import io
import json
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import TracebackType
from typing import Any, Final, TextIO

from executor.domain.duration import format_duration
from executor.domain.instant import from_epoch, to_text

#: Libraries that log what our adapters report as errors of their own, or every request.
_QUIET: Final = {
    "pika": logging.CRITICAL,
    "pymongo": logging.WARNING,
    "werkzeug": logging.WARNING,
    "gunicorn": logging.WARNING,
    "urllib3": logging.WARNING,
}

#: Attributes that every record has; all others are facts.
_OWN: Final = frozenset(
    (*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "action")
)

#: Columns that sentences are padded to in the human form; few are longer.
_SENTENCE_WIDTH: Final = 34

_PLAIN: Final = re.compile(r"[^\s\"'=]+")
_COLOURS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_DIM: Final = "\x1b[2m"
_RESET: Final = "\x1b[0m"


def _stamp(record: logging.LogRecord, separator: str) -> str:
    instant = from_epoch(record.created).replace(tzinfo=None)
    return f"{instant.isoformat(separator, timespec='milliseconds')}Z"


def _facts(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for name, value in record.__dict__.items():
        if name not in _OWN:
            yield name, _readable(value)


def _readable(value: object) -> object:
    """Return *value* as something that JSON can say."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, timedelta):
        return format_duration(value) if value >= timedelta(0) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_readable(item) for item in value]
    return str(value)


def _one_line(text: str) -> str:
    """Return *text* with everything escaped that could end a line or steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _trace(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return ""


class HumanFormatter(logging.Formatter):
    """Lines for people; tracebacks follow, indented."""

    def __init__(self, instance: str, process: str, *, colour: bool) -> None:
        super().__init__()
        self._tail = _one_line(f"{process}@{instance}")
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        facts = " ".join(f"{_one_line(name)}={_word(value)}" for name, value in _facts(record))
        sentence = _one_line(record.getMessage())
        level = f"{record.levelname:<8}"
        head, tail = _stamp(record, " "), self._tail
        if self._colour:
            level = f"{_COLOURS.get(record.levelno, '')}{level}{_RESET}"
            head, tail = f"{_DIM}{head}{_RESET}", f"{_DIM}{tail}{_RESET}"
        line = f"{head} {level} {sentence:<{_SENTENCE_WIDTH}} {facts}{' ' if facts else ''}{tail}"
        return "\n    ".join((line, *map(_one_line, _trace(record).splitlines())))


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and not _PLAIN.fullmatch(text):
        text = json.dumps(text, ensure_ascii=False)
    return _one_line(text)


class JsonFormatter(logging.Formatter):
    """Lines for machines."""

    def __init__(self, instance: str, process: str) -> None:
        super().__init__()
        self._instance, self._process = instance, process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line: dict[str, Any] = {
            "time": _stamp(record, "T"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "action": record.__dict__.get("action", ""),
            "message": record.getMessage(),
            "instance": self._instance,
            "process": self._process,
        }
        trace = _trace(record)
        if trace:
            line |= {"error": trace.rpartition("\n")[2], "traceback": trace}
        for name, value in _facts(record):
            line[f"fact_{name}" if name in line else name] = value
        return json.dumps(line)


def set_up(
    *, json_lines: bool, level: str, instance: str, process: str, stream: TextIO | None = None
) -> None:
    """Make every logger of this process write to *stream*, standard output by default.

    Args:
        json_lines: JSON if true, human otherwise; human lines are coloured on a terminal.
        level: name of the least important level to write, in lower case.
        instance: id of this instance, on each line.
        process: ``serve``, ``web`` or ``executor``, on each line.

    Uncaught exceptions of any thread and warnings are logged, too.  Safe to repeat.
    """
    target = stream or sys.stdout
    if isinstance(target, io.TextIOWrapper):
        # A name that the terminal cannot write must not cost the line.
        target.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(target)
    colour = not json_lines and target.isatty()
    handler.setFormatter(
        JsonFormatter(instance, process)
        if json_lines
        else HumanFormatter(instance, process, colour=colour)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
    # A reader that went away must not end the service, nor fill standard error.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("executor").critical(
        "uncaught exception", exc_info=(kind, error, trace), extra={"action": "uncaught_exception"}
    )


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    logging.getLogger("executor").critical(
        "uncaught exception",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        extra={
            "action": "uncaught_exception",
            "thread_name": args.thread.name if args.thread else None,
        },
    )
