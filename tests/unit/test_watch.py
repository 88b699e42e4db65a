"""Watched targets and pings as values: what they may say, and which run they mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executor.domain.errors import InvalidJob
from executor.domain.filling import filled_in, is_plain, secrets_of
from executor.domain.job import Definition, definition_from_document, definition_to_document
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import Output, Run, RunState
from executor.domain.watch import (
    MOST_BODY,
    Ping,
    Signal,
    WatchedTarget,
    address_of,
    arguments_of,
    body_of,
    digest_of_key,
    is_of_coming,
    new_key,
    ping_of,
    report_of,
    rid_of,
    run_meant,
    signal_of,
)
from tests.builders import a_run, at
from tests.unit.watch_driver import a_watched_job

RID = "6c1a3d4e-0000-4000-8000-000000000001"
OTHER = "6c1a3d4e-0000-4000-8000-000000000002"


def defined(**fields: Any) -> Definition:
    return definition_from_document({"name": "backup", "target": {"kind": "watched"}, **fields})


def faults(**fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidJob) as refused:
        defined(**fields)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_a_watched_target_comes_back_as_it_was() -> None:
    """With the grace in its canonical form; ten minutes if nobody said."""
    definition = defined(target={"kind": "watched", "grace": "90s"})

    assert definition.target == WatchedTarget(grace=timedelta(seconds=90))
    assert definition_to_document(definition)["target"] == {"kind": "watched", "grace": "PT1M30S"}
    assert definition_from_document(definition_to_document(definition)) == definition
    assert definition_to_document(defined())["target"]["grace"] == "PT10M"


@pytest.mark.parametrize(
    ("fields", "field", "fix"),
    [
        ({"target": {"kind": "watched", "grace": "0s"}}, "target.grace", "longer than zero"),
        ({"target": {"kind": "watched", "url": "x"}}, "target.url", "unknown field"),
        ({"start_timeout": "1m"}, "start_timeout", "target.grace"),
        ({"heartbeat_timeout": "1m"}, "heartbeat_timeout", "leave it out"),
        ({"retry": {"attempts": 1}}, "retry.attempts", "write 0"),
        ({"lock": "db"}, "lock", "leave it out"),
        ({"overlap": {"policy": "queue"}}, "overlap.policy", "write forbid"),
        ({"overlap": {"policy": "replace"}}, "overlap.policy", "write forbid"),
        ({"misfire": {"policy": "all"}}, "misfire.policy", "write once"),
    ],
)
def test_what_cannot_be_asked_of_a_watched_job_is_named(
    fields: dict[str, Any], field: str, fix: str
) -> None:
    """It is run by somebody else: nobody here begins, holds up or repeats it."""
    found = faults(**fields)

    assert list(found) == [field]
    assert fix in found[field]


def test_a_watched_target_needs_nothing_of_this_machine() -> None:
    """No program, no worker, no value, no secret: it is permitted everywhere."""
    target = defined().target
    hermit = PermittedTargets(PermittedPrograms(CommandsMode.OFF), workers=False, call_backs=False)
    job = a_watched_job()

    assert hermit.faults(target) == []
    assert is_plain(target)
    assert secrets_of(target) == frozenset()
    assert filled_in(a_run(job), job.definition, {}) == job.definition.target


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start", (Signal.START, None)),
        ("fail", (Signal.FAIL, None)),
        ("log", (Signal.LOG, None)),
        ("0", (Signal.SUCCESS, 0)),
        ("1", (Signal.FAIL, 1)),
        ("255", (Signal.FAIL, 255)),
    ],
)
def test_an_address_says_what_happened(text: str, said: tuple[Signal, int | None]) -> None:
    """By a word, or by the exit code."""
    assert signal_of(text) == said


@pytest.mark.parametrize("text", ["256", "-1", "success", "Start", "", "1.0", "٣", "9" * 5000])
def test_an_address_that_says_nothing_is_refused(text: str) -> None:
    """With everything that may stand there."""
    with pytest.raises(ValueError, match="start, fail, log, an exit code from 0 to 255"):
        signal_of(text)


def test_a_ping_survives_its_way() -> None:
    """As the arguments of a command, with the instant beside them."""
    output = Output(head="a", tail="b", size=9)
    for ping in (
        Ping(signal=Signal.LOG, at=at(1)),
        Ping(signal=Signal.FAIL, at=at(1), exit_code=3, rid=RID, output=output),
    ):
        assert ping_of(arguments_of(ping), at(1)) == ping


def test_of_a_long_body_both_ends_are_kept() -> None:
    """Errors stand at the beginning or at the end; an empty body is none."""
    output = body_of(b"a" * MOST_BODY + b"b" * MOST_BODY)

    assert output is not None
    assert (set(output.head), set(output.tail), output.size) == ({"a"}, {"b"}, 2 * MOST_BODY)
    assert len(output.head) + len(output.tail) == MOST_BODY
    assert body_of(b"") is None
    whole = body_of(b"\xff\x00")
    assert whole is not None
    assert whole.head == "\ufffd\x00"


# Which run --------------------------------------------------------------------------------


def runs(*states: tuple[RunState, str | None]) -> list[Run]:
    """Return unfinished runs, the oldest first: a state and a rid for each."""
    job = a_watched_job()
    return [
        a_run(
            job,
            id=f"run-{number}",
            state=state,
            created_at=at(number),
            started_at=at(number) if state is RunState.RUNNING else None,
            details={} if rid is None else {"rid": rid},
        )
        for number, (state, rid) in enumerate(states)
    ]


P, R = RunState.PENDING, RunState.RUNNING


@pytest.mark.parametrize(
    ("signal", "rid", "unfinished", "meant"),
    [
        (Signal.SUCCESS, None, [], None),
        (Signal.SUCCESS, None, [(P, None), (P, None)], 0),
        (Signal.SUCCESS, None, [(P, None), (R, None)], 1),
        (Signal.SUCCESS, None, [(R, RID), (R, None)], 1),
        (Signal.SUCCESS, None, [(P, None), (R, RID)], 1),
        (Signal.SUCCESS, RID, [(R, OTHER), (R, RID)], 1),
        (Signal.SUCCESS, RID, [(R, OTHER), (P, None)], 1),
        (Signal.SUCCESS, RID, [(R, OTHER)], None),
        (Signal.SUCCESS, RID, [(R, None)], 0),
        (Signal.START, None, [(R, None), (P, None)], 1),
        (Signal.START, None, [(R, None)], None),
        (Signal.START, RID, [(R, RID), (P, None)], 0),
        (Signal.LOG, None, [(P, None), (R, None)], 1),
        (Signal.FAIL, OTHER, [(R, RID), (P, None), (P, None)], 1),
    ],
)
def test_a_ping_means_the_run_that_fits_best(
    signal: Signal,
    rid: str | None,
    unfinished: list[tuple[RunState, str | None]],
    meant: int | None,
) -> None:
    """By its id; else what goes on, and of that the oldest; else what has been awaited longest."""
    found = runs(*unfinished)
    ping = Ping(signal=signal, at=at(60), rid=rid)

    assert run_meant(ping, list(reversed(found))) is (None if meant is None else found[meant])


@pytest.mark.parametrize(
    ("ping_s", "following_s", "grace_s", "early"),
    [
        (50, 120, 20, True),
        (39, 120, 20, False),
        (31, 120, 600, True),
        (29, 120, 600, False),
        (1, None, 600, True),
        (61, 120, 1, True),
    ],
)
def test_a_ping_is_of_the_nearer_fire_time(
    ping_s: int, following_s: int | None, grace_s: int, early: bool
) -> None:
    """Of the one at 60 s, unless it is earlier than grace, or nearer to the one before."""
    following = None if following_s is None else at(following_s)

    assert is_of_coming(at(ping_s), at(60), following, timedelta(seconds=grace_s)) is early


def test_a_report_keeps_the_id_that_tells_the_run_apart() -> None:
    """Once it is known, also by pings that do not say it."""
    (run,) = runs((P, None))

    begun = report_of(Ping(signal=Signal.START, at=at(1), rid=RID), run)
    later = report_of(Ping(signal=Signal.LOG, at=at(2)), replace(run, details=begun.details))

    assert (later.details or {})["rid"] == RID
    assert rid_of(run) is None


# Keys -------------------------------------------------------------------------------------


def test_a_key_is_a_uuid_that_follows_from_what_nobody_knows() -> None:
    """Another one for each job and each nonce; and what is looked for is not the key."""
    keys = {new_key(nonce, job) for nonce in ("n1", "n2") for job in ("j1", "j2")}

    assert len(keys) == 4
    assert new_key("n1", "j1") in keys
    assert {len(key) for key in keys} == {36}
    assert len({digest_of_key(key) for key in keys} | keys) == 8


def test_an_address_stands_on_that_of_the_service() -> None:
    """Where that is not known, it is at least the path."""
    assert address_of("https://cron.example.com/", "k") == "https://cron.example.com/ping/k"
    assert address_of(None, "k") == "/ping/k"
