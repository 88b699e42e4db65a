"""What the form shows of a definition is what it is read as: nothing is lost by an edit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from executor.domain.job import Definition, definition_from_document, definition_to_document
from executor.domain.schedule import (
    ContinuousSchedule,
    CronSchedule,
    IntervalSchedule,
    OnceSchedule,
)
from executor.domain.targets import (
    CommandTarget,
    HttpTarget,
    MessageTarget,
    PythonTarget,
)
from executor.domain.watch import WatchedTarget
from tests.web.full_jobs import FULL
from web.ui.sheet import ROWS, controls
from web.ui.sparse import sparse
from web.ui.written import texts_from, texts_of, written

#: A definition has a hundred fields, and making it smaller takes minutes.
QUICK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)

#: Any text that a definition takes: without NUL, and what no UTF-8 has.
TEXT = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=12)
NAME = st.text("abcß-_. ", min_size=1, max_size=8).map(lambda text: f"a{text}b")
WORD = st.text("abc,;=:[]{}\"' \n#", min_size=1, max_size=8)
LENGTH = st.integers(1, 10**8).map(lambda ms: f"PT{ms / 1000:.3f}S")
OR_NONE = st.none() | LENGTH
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**9) | TEXT.map(lambda t: t.replace("{{", "")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
LINE = TEXT.map(lambda text: "".join(c for c in text if ord(c) >= 32 and ord(c) != 127))
SAFE = TEXT.map(lambda text: text.replace("{{", ""))

#: Fields that are not written in the form: there is one set of rules, and it stays as it is.
NOT_SHOWN = {"schedule.engine"}


def subset(*names: str) -> st.SearchStrategy[list[str]]:
    """Return any of *names*, in any order."""
    return st.permutations(names).flatmap(
        lambda order: st.integers(1, len(names)).map(lambda number: list(order[:number]))
    )


def some(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any of *parts*."""
    return st.fixed_dictionaries({}, optional=parts)


LIMITS = some(
    cpu=OR_NONE,
    memory=st.none() | st.just("512MiB"),
    processes=st.integers(1, 99),
    output=st.none(),
)
EXPECT_BODY = (
    st.none()
    | st.fixed_dictionaries({"contains": WORD})
    | st.fixed_dictionaries({"json_pointer": st.sampled_from(["", "/a"]), "equals": VALUE})
)
PROGRAM = {
    "user": st.none() | st.just("backup"),
    "umask": st.none() | st.just("022"),
    "limits": LIMITS,
}
TARGET = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("http"), "url": st.just("https://example.com/a?b=c&d={{ run.id | url }}")},
        optional={
            "method": st.sampled_from(["GET", "PUT"]),
            "headers": st.dictionaries(
                st.sampled_from(["A", "x-b"]), LINE.map(lambda t: t.replace("{{", ""))
            ),
            "body": SAFE,
            "timeout": LENGTH,
            "expect": st.lists(st.sampled_from(["200", "3xx"]), min_size=1, max_size=2),
            "expect_body": EXPECT_BODY,
            "follow_redirects": st.booleans(),
            "callback": st.booleans(),
            "tls": some(verify=st.booleans()),
            "sign": st.none() | st.just({"secret": "KEY"}),
        },
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("command"),
            "command": WORD.map(lambda text: f"x{text}".replace('"', "").replace("'", "")),
        },
        optional={
            "env": st.dictionaries(st.sampled_from(["A", "b c"]), SAFE),
            "cwd": st.none() | SAFE,
            **PROGRAM,
        },
    ),
    st.fixed_dictionaries(
        {"kind": st.just("command"), "argv": st.lists(SAFE, max_size=3).map(lambda w: ["x", *w])},
        optional=PROGRAM,
    ),
    st.fixed_dictionaries(
        {"kind": st.just("python"), "callable": st.just("a.b:c")},
        optional={"arguments": st.dictionaries(st.sampled_from(["a", "notify"]), VALUE), **PROGRAM},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("message")}, optional={"arguments": st.dictionaries(SAFE, VALUE)}
    ),
    st.fixed_dictionaries({"kind": st.just("watched")}, optional={"grace": LENGTH}),
)
BOUNDS = {
    "jitter": st.just("PT30S"),
    "not_before": st.none() | st.just("2027-01-01T00:00:00Z"),
    "not_after": st.none() | st.just("2037-01-01T00:00:00Z"),
    "engine": st.just(1),
}
SCHEDULE = st.one_of(
    st.none(),
    st.sampled_from(["*/5 * * * *", "R/2030-01-01T00:00:00+01:00/P1M", "@daily"]),
    st.fixed_dictionaries(
        {"kind": st.just("cron"), "expression": st.just("H 2 * * *")},
        optional={
            "timezone": st.just("Europe/Berlin"),
            "dom_dow": st.sampled_from(["cron", "and"]),
            "gap": st.sampled_from(["run_after", "skip"]),
            "fold": st.sampled_from(["first", "second", "both"]),
            **BOUNDS,
        },
    ),
    st.just({"kind": "cron", "expression": "0 30 2 ? * 2", "dialect": "quartz"}),
    st.fixed_dictionaries(
        {"kind": st.just("interval"), "expression": st.just("R5/2030-01-01T00:00:00Z/P1D")},
        optional={"timezone": st.none() | st.just("Europe/Berlin"), **BOUNDS},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("once"), "at": st.just("2030-01-01T00:00:00Z")}, optional=BOUNDS
    ),
)
JOB = st.fixed_dictionaries(
    {"name": NAME, "target": TARGET, "schedule": SCHEDULE},
    optional={
        "description": TEXT,
        "owner": TEXT,
        "tags": st.lists(WORD, max_size=3),
        "labels": st.dictionaries(WORD, TEXT, max_size=2),
        "enabled": st.booleans(),
        "misfire": some(
            policy=st.sampled_from(["once", "skip"]),
            deadline=OR_NONE,
            only_if_next_later_than=OR_NONE,
        ),
        "overlap": some(
            policy=st.sampled_from(["forbid", "allow"]),
            limit=st.integers(1, 9),
            queue=st.integers(1, 9),
        ),
        "retry": some(
            delay=LENGTH,
            backoff=st.sampled_from(["exponential", "fixed"]),
            max_delay=LENGTH,
            jitter=st.floats(0, 1),
            window=OR_NONE,
            on=subset("failed", "timed_out", "lost"),
            exit_codes=st.lists(st.integers(0, 255), max_size=3),
            statuses=st.lists(st.sampled_from(["429", "5xx"]), max_size=2),
        ),
        "timeout": LENGTH,
        "retrigger": st.integers(0, 9),
        "after": st.none()
        | st.fixed_dictionaries(
            {"jobs": st.lists(WORD, min_size=1, max_size=2, unique=True)},
            optional={"when": st.just("finished"), "mode": st.just("all")},
        ),
        "on_failure": st.none() | WORD,
        "calendars": st.lists(
            st.fixed_dictionaries({"name": WORD}, optional={"policy": st.just("run_after")}),
            max_size=2,
        ),
        "notify": st.lists(
            st.fixed_dictionaries(
                {"channel": WORD},
                optional={
                    "on": subset("failure", "late", "lost"),
                    "after": st.integers(1, 9),
                    "every": LENGTH,
                },
            ),
            max_size=2,
            unique_by=lambda rule: rule["channel"],
        ),
        "ping": st.none() | st.just("https://hc.example/{{ secret.A }}"),
        "keep_runs": st.integers(1, 9),
        "keep_for": LENGTH,
    },
)
RUNNING_ON = st.fixed_dictionaries(
    {"kind": st.just("continuous")},
    optional={"delay": st.just("PT5S"), "max_delay": st.just("P1D")},
)


def sent(texts: dict[str, str]) -> MultiDict[str, str]:
    """Return what a browser sends of a form with *texts*."""
    form: MultiDict[str, str] = MultiDict(
        {name: texts[name] for name in ("target.kind", "schedule.kind")}
    )
    inner = {control.name: control for control in controls()}
    for rows in ROWS:
        for number in range(4):
            inner.update(
                (one.name, one) for one in (c.in_row(rows.name, number) for c in rows.controls)
            )
    for name, control in inner.items():
        text = texts.get(name)
        if text is None or (control.widget == "flag" and text != "yes"):
            continue
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        if control.widget == "area":
            form.add(name, lines.replace("\n", "\r\n"))
        elif control.widget == "flags":
            form.setlist(name, [one for one in text.split(",") if one])
        else:
            form.add(name, lines.replace("\n", ""))
    return form


@given(JOB)
@QUICK
def test_an_edit_that_touches_nothing_loses_nothing(document: dict[str, Any]) -> None:
    """Whatever the definition holds, and however it would be written."""
    definition = _sound(document)
    before = sparse(definition)

    draft = written(texts_from(sent(texts_of(before))), before)

    assert draft.faults == []
    assert draft.document == before
    assert definition_from_document(draft.document) == definition


@given(JOB)
@QUICK
def test_an_edit_of_one_field_changes_that_field_alone(document: dict[str, Any]) -> None:
    """All others are as they were."""
    definition = _sound(document)
    before = sparse(definition)
    form = sent(texts_of(before))
    form["keep_runs"] = "77"

    now = definition_from_document(written(texts_from(form), before).document)

    assert definition_to_document(now) == {**definition_to_document(definition), "keep_runs": 77}


@given(RUNNING_ON, LENGTH | st.none())
@QUICK
def test_what_runs_for_ever_is_kept_too(schedule: dict[str, Any], timeout: str | None) -> None:
    """With an end or without one."""
    document = {"name": "a", "target": {"kind": "command", "command": "x"}, "schedule": schedule}
    definition = definition_from_document(document | ({"timeout": timeout} if timeout else {}))
    before = sparse(definition)

    draft = written(texts_from(sent(texts_of(before))), before)

    assert definition_from_document(draft.document) == definition


def test_every_field_can_be_written_from_nothing() -> None:
    """A job that says everything is made in the form, without one to begin with."""
    for document in FULL:
        definition = definition_from_document(document)

        draft = written(texts_from(sent(texts_of(sparse(definition)))), {})

        assert draft.faults == []
        assert definition_from_document(draft.document) == definition


def test_every_field_of_a_definition_has_its_control() -> None:
    """A field that is added to a definition needs one in the form."""
    places = {".".join(control.place) for control in controls()}
    for rows in ROWS:
        places |= {f"{rows.name}.{control.path}" for control in rows.controls}
    wanted = {
        path
        for path in _leaves(Definition, "")
        if path.partition(".")[0] not in {"target", "schedule"}
    }
    for kind in (HttpTarget, CommandTarget, PythonTarget, MessageTarget, WatchedTarget):
        wanted |= set(_leaves(kind, "target."))
    for schedule in (CronSchedule, IntervalSchedule, OnceSchedule, ContinuousSchedule):
        wanted |= {f"schedule.{one.name}" for one in fields(schedule) if one.repr}

    assert wanted - NOT_SHOWN == places


def test_every_control_is_named_once() -> None:
    """Two with one name would overwrite each other."""
    names = [control.name for control in controls()]

    assert len(names) == len(set(names))


def _sound(document: dict[str, Any]) -> Definition:
    """Return the definition, with what does not go together left out."""
    watched = document["target"]["kind"] == "watched"
    tls = document["target"].get("tls", {})
    assert tls.get("ca") is None
    return definition_from_document(
        {name: value for name, value in document.items() if not (watched and name == "retry")}
    )


def _leaves(kind: type[Any], prefix: str) -> Iterator[str]:
    """Yield the paths of the fields of *kind* that hold no object with fields of its own."""
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        inner = None if one.name in {"target", "schedule"} else _inner(hints[one.name])
        if inner is not None:
            yield from _leaves(inner, f"{prefix}{one.name}.")
        elif one.name != "kind":
            yield f"{prefix}{one.name}"


def _inner(hint: Any) -> type[Any] | None:
    if isinstance(hint, type) and is_dataclass(hint):
        return hint
    return next((found for one in get_args(hint) if (found := _inner(one))), None)
