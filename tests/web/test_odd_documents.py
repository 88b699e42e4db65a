"""Definitions that nobody should write, and somebody will: each fault named, with the fix."""

from typing import Any

import pytest

from tests.web.world import World, faults_of

HTTP = {"kind": "http", "url": "https://example.com/"}
RUN = {"kind": "command", "command": "true"}

ODD: list[tuple[dict[str, Any], str, str]] = [
    # the target as a whole
    ({"target": None}, "target", "has to be an object"),
    ({"target": []}, "target", "has to be an object"),
    ({"target": "https://example.com"}, "target", "has to be an object"),
    ({"target": {}}, "target.kind", "write `http` or `command`"),
    ({"target": {"kind": "ftp"}}, "target.kind", "write `http` or `command`"),
    ({"target": {"kind": ["http"]}}, "target.kind", "write `http` or `command`"),
    ({"target": {"kind": "http"}}, "target.url", "is required"),
    # fields of the other kind, of another object, of nobody
    ({"target": {**HTTP, "command": "x"}}, "target.command", "of kind `command`"),
    ({"target": {**RUN, "url": "x"}}, "target.url", "of kind `http`"),
    ({"target": {**HTTP, "http": "x"}}, "target.http", "the fields here are kind, url"),
    ({"target": {**HTTP, "retrigger": 2}}, "target.retrigger", "into the outermost object"),
    ({"url": "https://example.com"}, "url", "into a target of kind `http`"),
    ({"deadline": "1h"}, "deadline", "into `misfire`"),
    ({"Timeout": "1h"}, "Timeout", "write `timeout`"),
    ({"x" * 10_000: 1}, "x" * 1_000 + "...", "unknown field"),
    ({"": 1}, "", "unknown field"),
    # command or argv
    ({"target": {"kind": "command"}}, "target.command", "is required: one text, or argv"),
    ({"target": {**RUN, "argv": ["true"]}}, "target.argv", "leave it out or command"),
    ({"target": {"kind": "command", "command": ""}}, "target.command", "names no program"),
    ({"target": {"kind": "command", "command": "'"}}, "target.command", "check the quotes"),
    ({"target": {"kind": "command", "command": ["ls"]}}, "target.command", "string"),
    ({"target": {"kind": "command", "argv": []}}, "target.argv", "must not be empty"),
    ({"target": {"kind": "command", "argv": [""]}}, "target.argv", "names no program"),
    ({"target": {"kind": "command", "argv": "ls -l"}}, "target.argv", "a list"),
    ({"target": {"kind": "command", "argv": ["ls", 1]}}, "target.argv.1", "string"),
    ({"target": {**RUN, "env": {"http": 1}}}, "target.env.http", "string"),
    ({"target": {**RUN, "env": {"A=B": ""}}}, "target.env.A=B", "hold ="),
    ({"target": {**RUN, "env": {"": ""}}}, "target.env", "must not be empty"),
    ({"target": {**RUN, "command": "a\x00b"}}, "target.command", "NUL"),
    # http
    ({"target": {**HTTP, "url": "example.com"}}, "target.url", "http:// or https://"),
    ({"target": {**HTTP, "url": "http://[::1"}}, "target.url", "is not a URL"),
    ({"target": {**HTTP, "url": "http://x:99999"}}, "target.url", "is not a URL"),
    ({"target": {**HTTP, "url": "http://x/a b"}}, "target.url", "percent-encode"),
    ({"target": {**HTTP, "method": "get"}}, "target.method", "'GET'"),
    ({"target": {**HTTP, "headers": {"a b": ""}}}, "target.headers.a b", "not a header name"),
    ({"target": {**HTTP, "headers": {"command": 1}}}, "target.headers.command", "string"),
    ({"target": {**HTTP, "headers": {"X": "a\r\nY: b"}}}, "target.headers.X", "line breaks"),
    ({"target": {**HTTP, "headers": [["X", "a"]]}}, "target.headers", "an object"),
    ({"target": {**HTTP, "expect": []}}, "target.expect", "must not be empty"),
    ({"target": {**HTTP, "expect": [200, 999]}}, "target.expect.1", "neither a status"),
    # numbers, durations, lists
    ({"retrigger": 10**4000}, "retrigger", "at most 100"),
    ({"retrigger": -1}, "retrigger", "at least 0"),
    ({"retrigger": 1.5}, "retrigger", "whole number"),
    ({"retrigger": "many"}, "retrigger", "whole number"),
    ({"keep_runs": 0}, "keep_runs", "at least 1"),
    ({"timeout": 5}, "timeout", "as text"),
    ({"timeout": "5"}, "timeout", "PT30S"),
    ({"timeout": "PT0S"}, "timeout", "longer than zero"),
    ({"timeout": "P1M"}, "timeout", "days"),
    ({"timeout": "PT" + "9" * 500 + "S"}, "timeout", ""),
    ({"enabled": "perhaps"}, "enabled", "true or false"),
    ({"enabled": None}, "enabled", "true or false"),
    ({"tags": "night"}, "tags", "a list"),
    ({"tags": [""]}, "tags.0", "must not be empty"),
    ({"tags": ["x"] * 51}, "tags", "longer than 50 items"),
    ({"tags": [{}]}, "tags.0", "string"),
    ({"description": "x" * 10_001}, "description", "longer than 10,000 characters"),
    ({"misfire": "once"}, "misfire", "an object"),
    ({"misfire": {"polcy": "once"}}, "misfire.polcy", "write `policy`"),
    ({"overlap": {"limit": 0}}, "overlap.limit", "at least 1"),
    ({"overlap": {"limit": 1001}}, "overlap.limit", "at most 1,000"),
    # names
    ({"name": None}, "name", "string"),
    ({"name": ""}, "name", "1 to 200 characters"),
    ({"name": " a"}, "name", "1 to 200 characters"),
    ({"name": "a/b"}, "name", "1 to 200 characters"),
    ({"name": ".."}, "name", "1 to 200 characters"),
    ({"name": "a" * 201}, "name", "200"),
    ({"name": "0" * 32}, "name", "look like a job id"),
    # schedules
    ({"schedule": ""}, "schedule.expression", "5 fields"),
    ({"schedule": 5}, "schedule", "an object with `kind`"),
    ({"schedule": {}}, "schedule.kind", "`cron`"),
    ({"schedule": {"kind": {}}}, "schedule.kind", "`cron`"),
    ({"schedule": {"kind": "cron"}}, "schedule.expression", "is missing"),
    ({"schedule": {"kind": "cron", "expression": ["*"]}}, "schedule.expression", "string"),
    (
        {"schedule": {"kind": "cron", "expression": "* * * * *", "fold": 1}},
        "schedule.fold",
        "`first`",
    ),
]


@pytest.fixture(scope="module")
def world() -> World:
    """Return one world for all: nothing here changes it."""
    return World()


@pytest.mark.parametrize(("changes", "field", "says"), ODD)
def test_an_odd_field_is_named_with_its_fix(
    world: World, changes: dict[str, Any], field: str, says: str
) -> None:
    """422 has the path as written in the document and a sentence a person understands."""
    faults = faults_of(world.post("/v1/jobs", {"name": "odd", "target": HTTP} | changes), 422)

    assert says in faults[field]
    assert not any("Input should" in message for message in faults.values())


def test_the_same_faults_are_found_by_patch_and_put(world: World) -> None:
    """There is one validation, whichever way a definition comes."""
    world.add(name="odd")
    patched = world.send("PATCH", "/v1/jobs/odd", {"retrigger": -1})
    put = world.send("PUT", "/v1/jobs/odd", {"target": HTTP, "retrigger": -1})

    assert faults_of(patched, 422) == faults_of(put, 422) == {"retrigger": "has to be at least 0"}
