"""Job definitions: what is written, what is filled in, and every fault by name."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.errors import InvalidJob
from executor.domain.fields import is_job_id
from executor.domain.job import (
    DEFINITION,
    Job,
    Pause,
    definition_from_document,
    definition_to_document,
)
from executor.domain.targets import CommandTarget
from tests.builders import a_definition, a_job, at

PLAIN = {"name": "plain", "target": {"kind": "http", "url": "https://example.com/report"}}


def faults(document: object) -> dict[str, str]:
    """Return what is wrong with *document*, by field."""
    with pytest.raises(InvalidJob) as refused:
        definition_from_document(document)
    found = refused.value.faults
    assert len({fault.field for fault in found}) == len(found), found
    return {fault.field: fault.message for fault in found}


def test_only_name_and_target_are_needed_and_the_rest_has_documented_defaults() -> None:
    """The canonical form of the smallest job shows every field with its default."""
    assert definition_to_document(definition_from_document(PLAIN)) == {
        "name": "plain",
        "description": "",
        "owner": "",
        "tags": [],
        "labels": {},
        "enabled": True,
        "schedule": None,
        "target": {
            "kind": "http",
            "url": "https://example.com/report",
            "method": "POST",
            "headers": {},
            "body": "",
            "timeout": "PT30S",
            "expect": ["2xx"],
            "expect_body": None,
            "follow_redirects": True,
            "callback": False,
            "tls": {"verify": True, "ca": None},
            "sign": None,
        },
        "misfire": {"policy": "once", "deadline": "PT1H", "only_if_next_later_than": None},
        "overlap": {"policy": "forbid", "limit": 1, "queue": 100},
        "retry": {
            "attempts": 0,
            "delay": "PT10S",
            "backoff": "exponential",
            "max_delay": "PT10M",
            "jitter": 0.1,
            "window": None,
            "on": ["failed", "timed_out", "lost"],
            "exit_codes": [],
            "statuses": [],
        },
        "timeout": "PT1H",
        "start_timeout": None,
        "heartbeat_timeout": None,
        "retrigger": 1,
        "lock": None,
        "after": None,
        "on_failure": None,
        "calendars": [],
        "notify": [],
        "ping": None,
        "keep_runs": 100,
        "keep_for": "P14D",
    }


def test_the_defaults_of_a_cron_schedule_are_the_documented_ones() -> None:
    """A text is the short form of a cron expression, in UTC and with five fields."""
    definition = definition_from_document({**PLAIN, "schedule": "30 2 * * *"})

    assert definition_to_document(definition)["schedule"] == {
        "kind": "cron",
        "expression": "30 2 * * *",
        "dialect": "cron5",
        "timezone": "UTC",
        "gap": "run_after",
        "fold": "first",
        "dom_dow": "cron",
        "jitter": "PT0S",
        "not_before": None,
        "not_after": None,
        "engine": 1,
    }


def test_a_command_target_is_split_as_a_shell_would() -> None:
    """Quotes group words; an argv is taken as it is."""
    text = a_definition(target={"kind": "command", "command": "cp 'a b' c"}).target
    words = a_definition(target={"kind": "command", "argv": ["cp", "a b", "$c"]}).target

    assert isinstance(text, CommandTarget)
    assert isinstance(words, CommandTarget)
    assert (text.words, words.words) == (("cp", "a b", "c"), ("cp", "a b", "$c"))


def test_statuses_may_be_numbers() -> None:
    """``expect`` takes 204 as well as "204"."""
    definition = definition_from_document(
        {**PLAIN, "target": {**PLAIN["target"], "expect": [204, "3xx"]}}  # type: ignore[dict-item]
    )

    assert definition_to_document(definition)["target"]["expect"] == ["204", "3xx"]


COMMAND = {"kind": "command", "argv": ["true"]}
HTTP = {"kind": "http", "url": "http://example.com"}


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"name": None}, "name", "has to be a string"),
        ({"name": ""}, "name", "use 1 to 200 characters"),
        ({"name": "x" * 201}, "name", "use 1 to 200 characters"),
        ({"name": "a/b"}, "name", "without control characters"),
        ({"name": " a"}, "name", "spaces at the ends"),
        ({"name": ".."}, "name", "use 1 to 200 characters"),
        ({"name": "a" * 32}, "name", "look like a job id"),
        ({"target": None}, "target", "has to be an object"),
        ({"target": {}}, "target.kind", "write `http` or `command`"),
        ({"target": {"kind": "smtp"}}, "target.kind", "write `http` or `command`"),
        ({"target": {"kind": "http"}}, "target.url", "is required"),
        ({"target": {**HTTP, "sign": "KEY"}}, "target.sign", "has to be an object"),
        ({"target": {**HTTP, "sign": {}}}, "target.sign.secret", "is required"),
        ({"target": {**HTTP, "sign": {"secret": "a b"}}}, "target.sign.secret", "letters"),
        (
            {"target": {**HTTP, "sign": {"secret": "A", "key": "A"}}},
            "target.sign.key",
            "unknown field",
        ),
        ({"target": {**HTTP, "secret": "A"}}, "target.secret", "belongs into `sign`"),
        ({"target": {**HTTP, "url": "/report"}}, "target.url", "write an absolute URL"),
        ({"target": {**HTTP, "url": "http://a b"}}, "target.url", "white space"),
        ({"target": {**HTTP, "url": "http://a:b"}}, "target.url", "is not a URL"),
        ({"target": {**HTTP, "method": "BREW"}}, "target.method", "write "),
        ({"target": {**HTTP, "headers": {"a b": "c"}}}, "target.headers.a b", "not a header name"),
        ({"target": {**HTTP, "headers": {"a": "b\r\nc"}}}, "target.headers.a", "line breaks"),
        ({"target": {**HTTP, "expect": []}}, "target.expect", "must not be empty"),
        ({"target": {**HTTP, "expect": ["600"]}}, "target.expect.0", "neither a status"),
        ({"target": {**HTTP, "expect": [True]}}, "target.expect.0", "neither a status"),
        (
            {"target": {**HTTP, "expect_body": "ok"}},
            "target.expect_body",
            "has to be an object",
        ),
        (
            {"target": {**HTTP, "method": "HEAD", "expect_body": {"contains": "a"}}},
            "target.expect_body",
            "the answer to HEAD has no body",
        ),
        ({"target": {**HTTP, "timeout": "PT0S"}}, "target.timeout", "must be longer than zero"),
        ({"target": {**HTTP, "argv": ["x"]}}, "target.argv", "into a target of kind `command`"),
        ({"target": {"kind": "command"}}, "target.command", "is required"),
        ({"target": {**COMMAND, "command": "x"}}, "target.argv", "both say what to run"),
        ({"target": {"kind": "command", "command": "'"}}, "target.command", "check the quotes"),
        ({"target": {"kind": "command", "command": " "}}, "target.command", "names no program"),
        ({"target": {"kind": "command", "argv": [""]}}, "target.argv", "names no program"),
        ({"target": {"kind": "command", "argv": []}}, "target.argv", "must not be empty"),
        ({"target": {**COMMAND, "argv": ["a\0"]}}, "target.argv.0", "NUL"),
        ({"target": {**COMMAND, "env": {"A=B": "c"}}}, "target.env.A=B", "hold ="),
        ({"target": {**COMMAND, "env": {"": "c"}}}, "target.env", "must not be empty"),
        ({"target": {**COMMAND, "env": {"A": 1}}}, "target.env.A", "has to be a string"),
        ({"schedule": "0 25 * * *"}, "schedule.expression", "out of range"),
        ({"schedule": 5}, "schedule", "a schedule is an object"),
        ({"schedule": {"kind": "moon"}}, "schedule.kind", "is not known"),
        (
            {"misfire": {"policy": "each"}},
            "misfire.policy",
            "write 'once', 'skip', 'all' or 'latest'",
        ),
        (
            {"retry": {"on": ["skipped"]}},
            "retry.on.0",
            "write 'failed', 'timed_out' or 'lost'",
        ),
        (
            {"retry": {"statuses": ["6xx"]}},
            "retry.statuses.0",
            "'6xx' is neither a status (204) nor a class of statuses (2xx)",
        ),
        ({"retry": {"jitter": 2}}, "retry.jitter", "has to be at most 1"),
        ({"after": {"jobs": []}}, "after.jobs", "must not be empty"),
        ({"after": {"jobs": ["a", "b", "a"]}}, "after.jobs", "names 'a' twice"),
        ({"after": {"when": "success"}}, "after.jobs", "is required"),
        ({"misfire": {"deadline": 5}}, "misfire.deadline", "write a duration as text"),
        ({"misfire": {"deadline": "soon"}}, "misfire.deadline", "is not a duration"),
        ({"overlap": {"limit": 0}}, "overlap.limit", "has to be at least 1"),
        ({"tags": "a"}, "tags", "has to be a list"),
        ({"tags": ["a", ""]}, "tags.1", "must not be empty"),
        ({"tags": ["a"] * 51}, "tags", "is longer than 50 items"),
        ({"labels": ["a"]}, "labels", "has to be an object"),
        ({"labels": {"a": 1}}, "labels.a", "has to be a string"),
        ({"labels": {"": "a"}}, "labels.", "must not be empty"),
        ({"labels": {str(n): "" for n in range(51)}}, "labels", "is longer than 50 items"),
        ({"enabled": "perhaps"}, "enabled", "has to be true or false"),
        ({"retrigger": -1}, "retrigger", "has to be at least 0"),
        ({"retrigger": 101}, "retrigger", "has to be at most 100"),
        ({"keep_runs": 0}, "keep_runs", "has to be at least 1"),
        ({"keep_runs": 1.5}, "keep_runs", "has to be a whole number"),
        ({"keep_runs": 10**30}, "keep_runs", "has to be at most 1,000,000"),
        ({"keep_for": "-5s"}, "keep_for", "is not a duration"),
        ({"timeout": "P101Y"}, "timeout", "counts years"),
        ({"description": "a\0"}, "description", "NUL"),
        ({"owner": "x" * 201}, "owner", "is longer than 200 characters"),
        ({"colour": "red"}, "colour", "unknown field; the fields here are"),
        ({"shedule": None}, "shedule", "write `schedule`"),
        ({"url": "x"}, "url", "it belongs into a target of kind `http`"),
        ({"deadline": "PT1H"}, "deadline", "it belongs into `misfire`"),
        ({"misfire": {"enabled": True}}, "misfire.enabled", "into the outermost object"),
    ],
)
def test_every_fault_is_named_with_its_path(
    wrong: dict[str, Any], field: str, message: str
) -> None:
    """The fault stands at the field as its writer knows it and says what to write instead."""
    found = faults({"name": "backup", "target": COMMAND, **wrong})

    assert list(found) == [field]
    assert message in found[field]


@pytest.mark.parametrize("document", [None, 5, "backup", [], [PLAIN]])
def test_what_is_no_object_is_one_fault_of_the_whole(document: object) -> None:
    """The fault has no field."""
    assert faults(document) == {"": "has to be an object: {...}"}


def test_all_faults_are_reported_at_once() -> None:
    """One look at the answer is enough to correct everything."""
    found = faults(
        {
            "target": {"kind": "http", "url": "ftp://x", "expect": ["999"], "verb": "GET"},
            "schedule": {"kind": "cron", "expression": "61 * * * *", "timezone": "Mars/Base"},
            "misfire": {"deadline": "PT0S"},
            "tags": ["", 5],
            "retrigger": 1000,
            "nam": "backup",
        }
    )

    assert set(found) == {
        "name",
        "target.url",
        "target.expect.0",
        "target.verb",
        "schedule.expression",
        "schedule.timezone",
        "misfire.deadline",
        "tags.0",
        "tags.1",
        "retrigger",
        "nam",
    }


def test_a_document_full_of_faults_is_answered_in_bounded_time_and_length() -> None:
    """A hundred faults are put into words and the others counted."""
    found = faults({**PLAIN, **{f"field {number}": 0 for number in range(5_000)}})

    assert len(found) == 101
    assert found[""] == "and 4,900 more"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
DURATIONS = st.sampled_from(["PT1S", "30s", "5m", "P14D", "PT0.001S", "1h 30m", "P36525D"])
NAMES = st.text("abcÄ9 _.:~-", min_size=1, max_size=20).filter(
    lambda name: name == name.strip() and name not in {".", ".."} and not is_job_id(name)
)
EXPECTATIONS = st.builds(lambda text: {"contains": text}, TEXT.filter(bool)) | st.builds(
    lambda value: {"json_pointer": "/a/0", "equals": value},
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXT
    | st.lists(TEXT, max_size=2),
)
HTTP_TARGETS = st.fixed_dictionaries(
    {"kind": st.just("http"), "url": st.sampled_from(["http://a", "https://b:8443/c?d=é#f"])},
    optional={
        "method": st.sampled_from(["GET", "PUT", "DELETE"]),
        "headers": st.dictionaries(st.sampled_from(["X-A", "accept"]), st.just("b\tc"), max_size=2),
        "body": TEXT,
        "timeout": DURATIONS,
        "expect": st.lists(st.sampled_from(["2xx", 204, "404", 302]), min_size=1, max_size=3),
        "expect_body": st.none() | EXPECTATIONS,
        "follow_redirects": st.booleans(),
        "tls": st.fixed_dictionaries({}, optional={"verify": st.booleans(), "ca": st.none()}),
    },
)
COMMAND_TARGETS = st.fixed_dictionaries(
    {"kind": st.just("command"), "argv": st.lists(TEXT, max_size=3).map(lambda a: ["run", *a])},
    optional={"env": st.dictionaries(st.sampled_from("ABC"), TEXT, max_size=2), "cwd": TEXT},
)
DOCUMENTS = st.fixed_dictionaries(
    {"name": NAMES, "target": HTTP_TARGETS | COMMAND_TARGETS},
    optional={
        "schedule": st.sampled_from(
            [None, "*/5 * * * *", {"kind": "cron", "expression": "0 0 * * *", "fold": "both"}]
        ),
        "description": TEXT,
        "owner": TEXT,
        "tags": st.lists(TEXT.filter(bool), max_size=3),
        "labels": st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
        "enabled": st.booleans(),
        "misfire": st.fixed_dictionaries({}, optional={"deadline": DURATIONS}),
        "overlap": st.just({"policy": "forbid"}),
        "timeout": DURATIONS,
        "retrigger": st.integers(0, 100),
        "keep_runs": st.integers(1, 1_000_000),
        "keep_for": DURATIONS,
    },
)


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS)
def test_the_canonical_form_means_the_same_and_is_final(document: dict[str, Any]) -> None:
    """It reads back as an equal definition, through JSON too, and its own form is itself."""
    definition = definition_from_document(document)

    canonical = definition_to_document(definition)

    assert definition_from_document(json.loads(json.dumps(canonical))) == definition
    assert definition_to_document(definition_from_document(canonical)) == canonical
    assert {**canonical, **document}.keys() == canonical.keys()


@settings(max_examples=100, deadline=None)
@given(
    DOCUMENTS,
    st.sampled_from(sorted(definition_to_document(a_definition()))),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda parts: (
            st.lists(parts, max_size=2) | st.dictionaries(st.text(max_size=8), parts, max_size=2)
        ),
        max_leaves=4,
    ),
)
def test_any_document_is_a_job_or_a_list_of_faults(
    document: dict[str, Any], field: str, value: object
) -> None:
    """Nothing that JSON can hold makes the reading fail in another way."""
    try:
        definition = definition_from_document({**document, field: value})
    except InvalidJob:
        return

    assert json.dumps(definition_to_document(definition)).encode()


def test_the_schema_of_the_api_comes_from_the_same_annotations() -> None:
    """Every field of a definition is in the JSON schema, and none beyond."""
    schema = DEFINITION.json_schema(mode="validation")

    assert set(schema["properties"]) == set(definition_to_document(a_definition()))
    assert schema["required"] == ["name", "target"]
    assert schema["additionalProperties"] is False


def pausing(until: float | None) -> Job:
    """Return a job that is paused from the start on."""
    ends = None if until is None else at(until)
    return a_job(paused=Pause(since=at(0), until=ends))


@pytest.mark.parametrize(
    ("job", "paused", "active"),
    [
        pytest.param(a_job(), False, True, id="plain"),
        pytest.param(pausing(None), True, False, id="until resumed"),
        pytest.param(pausing(61), True, False, id="its end is to come"),
        pytest.param(pausing(60), False, True, id="its end has come"),
        pytest.param(a_job(enabled=False), False, False, id="disabled"),
        pytest.param(a_job(deleted=True), False, False, id="deleted"),
    ],
)
def test_what_makes_a_job_rest(job: Job, paused: bool, active: bool) -> None:
    """A pause that has run out counts as over without anybody resuming the job."""
    assert (job.is_paused(at(60)), job.is_active(at(60))) == (paused, active)


def test_deadlines_are_durations() -> None:
    """What was text is a timedelta inside."""
    assert a_definition(misfire={"deadline": "90s"}).misfire.deadline == timedelta(seconds=90)
