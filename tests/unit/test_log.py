"""Log lines: one record is one line, in both forms, whatever the facts hold."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor import log
from executor.domain.run import RunState

logger = logging.getLogger("executor.tests")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Give the test run its own logging back."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook
    # Whoever set up a log in this process before may have left them captured.
    logging.captureWarnings(False)
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising
    sys.excepthook, threading.excepthook = hooks


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def set_up(*, json_lines: bool, level: str = "info", stream: io.StringIO | None = None) -> Any:
    """Log to a stream in memory and return it."""
    stream = stream or io.StringIO()
    log.set_up(
        json_lines=json_lines, level=level, instance="eu-1a", process="executor", stream=stream
    )
    return stream


def test_a_human_line_has_time_level_sentence_facts_and_instance() -> None:
    """The sentence is padded, so that facts stand below each other; the action is for machines."""
    stream = set_up(json_lines=False)

    logger.info("run finished", extra={"action": "run_finished", "run_id": "7f", "term": 17})

    time, line = stream.getvalue().split("Z ", 1)
    datetime.strptime(time, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    assert line == f"INFO     {'run finished':<34} run_id=7f term=17 executor@eu-1a\n"


def test_a_json_line_is_one_object_with_all_facts() -> None:
    """Numbers stay numbers, instants are RFC 3339, durations ISO 8601, states their words."""
    stream = set_up(json_lines=True)

    logger.warning(
        "run finished",
        extra={
            "action": "run_finished",
            "term": 17,
            "state": RunState.LOST,
            "at": datetime(2026, 12, 1, 2, 30, tzinfo=UTC),
            "took": timedelta(minutes=5),
            "lateness_s": 0.1234567891,
            "ratio": float("nan"),
            "reason": None,
            "tags": {"b"},
            "error": ValueError("no"),
        },
    )

    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "executor.tests",
        "action": "run_finished",
        "message": "run finished",
        "instance": "eu-1a",
        "process": "executor",
        "term": 17,
        "state": "lost",
        "at": "2026-12-01T02:30:00Z",
        "took": "PT5M",
        "lateness_s": 0.123457,
        "ratio": "nan",
        "reason": None,
        "tags": ["b"],
        "error": "no",
    }


def test_a_fact_never_hides_a_field() -> None:
    """A fact with the name of a field is kept under another name."""
    stream = set_up(json_lines=True)

    logger.info("instance seen", extra={"instance": "eu-1b", "level": 3})

    line = json.loads(stream.getvalue())
    assert (line["instance"], line["level"]) == ("eu-1a", "info")
    assert (line["fact_instance"], line["fact_level"]) == ("eu-1b", 3)


@pytest.mark.parametrize("json_lines", [False, True])
@pytest.mark.parametrize(
    "evil", ["a\nb", "a\r\nINFO forged", "\x1b[2J", "\x9b31m", "\u2028", "\udc80"]
)
def test_facts_cannot_forge_lines_or_steer_terminals(evil: str, json_lines: bool) -> None:
    """One record is one printable line, wherever the characters come from."""
    stream = set_up(json_lines=json_lines)

    logger.info("job %s", evil, extra={"job": evil, evil: 1})

    (line,) = stream.getvalue().split("\n")[:-1]
    assert line.isprintable()


def test_words_with_spaces_are_quoted_in_human_lines() -> None:
    """What belongs together can be told from what does not."""
    stream = set_up(json_lines=False)

    logger.info("run started", extra={"job": "nightly report", "query": 'a="b"', "empty": ""})

    assert ' job="nightly report" query="a=\\"b\\"" empty="" ' in stream.getvalue()


def test_a_traceback_follows_its_human_line_indented() -> None:
    """Lines that begin in the first column begin records."""
    stream = set_up(json_lines=False)

    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception("dispatch failed", extra={"action": "dispatch_failed"})

    first, *others = stream.getvalue().splitlines()
    assert "dispatch failed" in first
    assert others[-1].strip() == "second"
    assert all(line.startswith("    ") for line in others)


def test_a_traceback_is_a_field_of_its_json_line() -> None:
    """One record stays one line; the error's own words have a field."""
    stream = set_up(json_lines=True)

    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("dispatch failed", extra={"action": "dispatch_failed"})

    (text,) = stream.getvalue().splitlines()
    line = json.loads(text)
    assert line["error"] == "ValueError: no"
    assert "Traceback" in line["traceback"]


def test_colours_are_for_terminals_only() -> None:
    """A file gets plain text, and JSON is never coloured."""
    terminal, other_terminal = Terminal(), Terminal()
    set_up(json_lines=False, stream=terminal)
    logger.error("term lost")
    set_up(json_lines=True, stream=other_terminal)
    logger.error("term lost")
    file = set_up(json_lines=False)
    logger.error("term lost")

    assert "\x1b[31mERROR" in terminal.getvalue()
    assert "\x1b" not in other_terminal.getvalue()
    assert "\x1b" not in file.getvalue()


def test_drivers_are_quiet_and_the_level_is_ours() -> None:
    """What adapters report in their own words is not reported again by the drivers."""
    stream = set_up(json_lines=True, level="debug")

    logging.getLogger("pika.adapters.utils").error("AMQPConnector - reporting failure")
    logging.getLogger("pymongo.topology").info("Starting topology monitoring")
    logging.getLogger("werkzeug").info("GET / 200")
    logger.debug("not candidate number one", extra={"action": "token_waiting"})

    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert line["action"] == "token_waiting"


def test_uncaught_exceptions_and_warnings_are_log_lines() -> None:
    """Whatever goes wrong in any thread is in the one log, in its form."""
    stream = set_up(json_lines=True)

    thread = threading.Thread(target=lambda: int("x"), name="lane")
    thread.start()
    thread.join()
    sys.excepthook(KeyError, KeyError("k"), None)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("this is old", DeprecationWarning, stacklevel=1)

    lines = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert [line["action"] for line in lines] == ["uncaught_exception", "uncaught_exception", ""]
    assert "this is old" in lines[2]["message"]
    assert lines[0]["thread_name"] == "lane"
    assert lines[0]["error"].startswith("ValueError")
