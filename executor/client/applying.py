"""Making the jobs as the files say: judged first, then planned, then carried out.

Rules
-----
1. Nothing is changed before the service has judged every document and the plan is free of
   faults.
2. Every change says at which revision it expects its job, so that it never undoes what somebody
   else has done in between.
3. What is refused although it was judged sound, because another change has to come first, is
   tried again after the others, for as long as that helps.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, Final

from executor.client.changing import MADE, awaited
from executor.client.connection import Connection, NoAnswer
from executor.client.plan import Change, Plan, Wanted, make_plan, name_faults
from executor.client.present import fetch_job, fetch_jobs, references
from executor.client.source import Faulty, Place, Source
from executor.domain.difference import differences

#: Most items and bytes in one request.  The service takes 500 and a million; smaller ones let it
#: begin sooner.
ITEMS: Final = 250
BYTES: Final = 900_000

#: Requests under way at once: one is read and answered while the executor carries another out.
LANES: Final = 2

Item = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of a plan: how many changes were made, and why others were not."""

    made: int = 0
    faults: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the service says of the documents."""

    wanted: list[Wanted]
    warnings: list[Place]


def judge(connection: Connection, sources: Sequence[Source]) -> Judgement:
    """Let the service judge the documents of *sources*; nothing is changed.

    Raises:
        Faulty: with every fault of all of them.
    """
    faults = name_faults(sources)
    nameless = {id(source) for source in sources if not source.value.get("name")}
    wanted: list[Wanted] = []
    warnings: list[Place] = []
    asked = [source for source in sources if id(source) not in nameless]
    answers = _send(connection, [{"put": source.value} for source in asked], dry_run=True)
    for source, answer in zip(asked, answers, strict=True):
        faults += [_fault(source, one) for one in answer["errors"]]
        warnings += [_warning(source, text) for text in answer["warnings"]]
        if answer["definition"] is not None:
            definition = answer["definition"]
            wanted.append(Wanted(name=definition["name"], definition=definition, source=source))
    if faults:
        raise Faulty(faults)
    return Judgement(wanted, warnings)


def plan(connection: Connection, judgement: Judgement, prune: str | None) -> Plan:
    """Compare what is wanted with what is there.

    Raises:
        Faulty: what is wanted cannot be.
    """
    found = make_plan(judgement.wanted, fetch_jobs(connection), prune)
    if found.faults:
        raise Faulty(found.faults)
    return found


def carry_out(
    connection: Connection, changes: Sequence[Change], progress: Callable[[int], None]
) -> Outcome:
    """Make *changes*; *progress* is told how many are made so far."""
    outcome = Outcome()
    puts = [one for one in changes if one.definition is not None]
    deletions = [one for one in changes if one.definition is None]
    refused = _round(connection, puts, outcome, progress)
    while refused:
        again = _round(connection, [change for change, _ in refused], outcome, progress)
        if len(again) == len(refused):
            break
        refused = again
    outcome.faults += [fault for _, fault in refused]
    if not outcome.faults:
        outcome.faults += [f for _, f in _round(connection, deletions, outcome, progress)]
    return outcome


def _round(
    connection: Connection,
    changes: Sequence[Change],
    outcome: Outcome,
    progress: Callable[[int], None],
) -> list[tuple[Change, Place]]:
    """Try each of *changes* once; return those that were refused, with the reason."""
    refused: list[tuple[Change, Place]] = []
    to_finish: list[Change] = []
    items = [_item(change) for change in changes]
    for change, first in zip(changes, _send(connection, items), strict=True):
        answer = _awaited(connection, first)
        fault = _settled(connection, change, answer)
        if fault is not None:
            refused.append((change, fault))
            continue
        if change.handler_later:
            revision = answer["revision"]
            to_finish.append(replace(change, revision=revision, handler_later=False))
        else:
            outcome.made += 1
            progress(outcome.made)
    return refused + (_round(connection, to_finish, outcome, progress) if to_finish else [])


def _item(change: Change) -> Item:
    if change.definition is None:
        return {"delete": change.name, "revision": change.revision}
    # As it was written, which is shorter than the service's form.
    definition = dict(change.definition if change.source is None else change.source.value)
    if change.handler_later:
        definition["on_failure"] = None
    item: Item = {"put": definition}
    return item if change.revision is None else {**item, "revision": change.revision}


def _send(
    connection: Connection, items: Sequence[Item], *, dry_run: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the answer to each of *items*, sent in as few requests as they fit in.

    Several requests are under way at once, unless the order of the items matters: then web reads
    one while the executor carries another out.
    """
    parts = list(_parts(items))
    if len(parts) < 2 or not (dry_run or all(map(_is_alone, items))):
        for part in parts:
            yield from _ask(connection, part, dry_run)
        return
    with ExitStack() as stack:
        spare: SimpleQueue[Connection] = SimpleQueue()
        for _ in range(LANES):
            spare.put(stack.enter_context(connection.another()))

        def ask(part: list[Item]) -> list[dict[str, Any]]:
            lane = spare.get()
            try:
                return _ask(lane, part, dry_run)
            finally:
                spare.put(lane)

        pool = stack.enter_context(ThreadPoolExecutor(LANES))
        stack.callback(pool.shutdown, cancel_futures=True)
        for answers in pool.map(ask, parts):
            yield from answers


def _is_alone(item: Item) -> bool:
    """Whether an item names no other job, so that it may come before or after any other."""
    return "put" in item and not any(references(item["put"]))


def _ask(connection: Connection, part: list[Item], dry_run: bool) -> list[dict[str, Any]]:
    # The same key for a repetition of the request: what was done is not done again.
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    reply = connection.request("POST", "/v1/batch", {"items": part, "dry_run": dry_run}, headers)
    try:
        answers: list[dict[str, Any]] = reply.document["items"]
    except (TypeError, KeyError):
        raise NoAnswer(f"{connection.url} is no Solocron, or an older one") from None
    return answers


def _parts(items: Sequence[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    size = 0
    for item in items:
        length = len(json.dumps(item))
        if part and (len(part) == ITEMS or size + length > BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += length + 2
    if part:
        yield part


def _settled(connection: Connection, change: Change, answer: Mapping[str, Any]) -> Place | None:
    """Return why *change* is not made, None if it is."""
    if answer["status"] in MADE or _is_so(connection, change):
        return None
    if (
        answer["status"] in {"conflict", "precondition_failed", "not_found"}
        and not answer["errors"]
    ):
        advice = "somebody else has changed it in the meantime; apply again"
        return _about(change, "", f"{answer['message']}; {advice}")
    faults = answer["errors"] or [{"field": "", "message": answer["message"]}]
    return _about(change, faults[0]["field"], "; ".join(one["message"] for one in faults))


def _about(change: Change, field: str, message: str) -> Place:
    if change.source is None:
        return Place(change.name, 0, field, message)
    return change.source.fault(field, message)


def _is_so(connection: Connection, change: Change) -> bool:
    """Whether the job is as *change* would make it: a repetition finds its own first effect."""
    found = fetch_job(connection, change.name)
    if change.definition is None or found is None:
        return change.definition is None and found is None
    return not differences(found.definition or {}, change.definition)


def _awaited(connection: Connection, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the outcome of a change; of one that is only accepted, as soon as it is there."""
    if answer["status"] != "pending":
        return answer
    found = awaited(connection, answer["command"])
    return {**answer, "status": "invalid"} if found is None else found


def _fault(source: Source, fault: Mapping[str, str]) -> Place:
    field = fault["field"].removeprefix("put").removeprefix(".")
    return source.fault(field, fault["message"])


def _warning(source: Source, text: str) -> Place:
    field, _, message = text.partition(": ")
    return source.fault(field, message)
