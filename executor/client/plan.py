"""What has to be done so that the jobs are as the files say, and in which order.  Pure.

Rules
-----
1. A job is the same if every field of its definition is, defaults filled in by the service.
2. A job that others name comes before them.  Where two name each other, which a failure handler
   and its job may, the one is first made without its handler and gets it afterwards.
3. Only jobs of the owner given are ever deleted, and only if no job that stays names them: with
   its last parent a job without a schedule would be deleted too, whoever owns it.
4. Deletions come last, dependents before what they depend on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from executor.client.present import Present, references, with_names
from executor.client.source import Place, Source
from executor.domain.difference import Difference, differences

Definition = Mapping[str, Any]

_HANDLER: Final = "on_failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A job as a file says it; ``definition`` is in the service's form."""

    name: str
    definition: Definition
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job to be created, changed or deleted.

    Attributes:
        definition: what it is to be; None if it is to go.
        revision: what it is at; None if it is to be made.
        handler_later: it has to be made without its failure handler first.
        source: what says so; None for a deletion.
    """

    name: str
    definition: Definition | None
    revision: int | None
    differences: tuple[Difference, ...] = ()
    handler_later: bool = False
    source: Source | None = None

    @property
    def verb(self) -> str:
        """What is done to the job."""
        if self.definition is None:
            return "delete"
        return "create" if self.revision is None else "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes in their order, or the faults for which there can be none."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    faults: tuple[Place, ...] = field(default=())

    def count(self, verb: str) -> int:
        """Return how many changes there are of one kind."""
        return sum(change.verb == verb for change in self.changes)


def name_faults(sources: Sequence[Source]) -> list[Place]:
    """Return which documents have no name, or one that another has too."""
    faults: list[Place] = []
    first: dict[str, Source] = {}
    for source in sources:
        name = source.value.get("name")
        if not isinstance(name, str) or not name:
            faults.append(source.fault("name", "is required: a text that no other job has"))
        elif name in first:
            other = first[name]
            where = f"{other.file}:{other.line_of('name')}"
            faults.append(source.fault("name", f"{name!r} is defined twice, first in {where}"))
        else:
            first[name] = source
    return faults


def make_plan(
    wanted: Sequence[Wanted], present: Sequence[Present], prune: str | None = None
) -> Plan:
    """Return what to do; *prune* names the owner whose other jobs are to go."""
    standing = {one.name: one for one in present}
    names = {one.id: one.name for one in present}
    asked = {one.name: with_names(one.definition, names) for one in wanted}
    gone = [one for one in present if prune and one.owner == prune and one.name not in asked]
    faults = [
        *_broken(wanted, standing),
        *_loose_references(wanted, asked, standing, {one.name for one in gone}),
        *_still_named(gone, asked, standing),
    ]
    if not faults:
        faults = _circle(wanted, asked, standing, {one.name for one in gone})
    if faults:
        return Plan(faults=tuple(sorted(faults)))
    changes = [change for one in wanted if (change := _change(one, asked[one.name], standing))]
    return Plan(
        changes=(*_ordered(changes), *_deletions(gone)), unchanged=len(wanted) - len(changes)
    )


def _change(one: Wanted, definition: Definition, standing: Mapping[str, Present]) -> Change | None:
    former = standing.get(one.name)
    if former is None:
        return Change(name=one.name, definition=definition, revision=None, source=one.source)
    found = differences(former.definition or {}, definition)
    if not found:
        return None
    return Change(
        name=one.name,
        definition=definition,
        revision=former.revision,
        differences=tuple(found),
        source=one.source,
    )


def _broken(wanted: Iterable[Wanted], standing: Mapping[str, Present]) -> list[Place]:
    broken = [one for one in wanted if one.name in standing and standing[one.name].error]
    return [
        one.source.fault("", f"the record of job {one.name!r} cannot be read; DELETE it first")
        for one in broken
    ]


def _loose_references(
    wanted: Iterable[Wanted],
    asked: Mapping[str, Definition],
    standing: Mapping[str, Present],
    gone: set[str],
) -> list[Place]:
    known = (asked.keys() | standing.keys()) - gone
    return [
        one.source.fault(
            path,
            f"job {subject!r} would be pruned"
            if subject in gone
            else f"there is no job {subject!r}, neither at the service nor in these files",
        )
        for one in wanted
        for path, subject in references(asked[one.name])
        if subject not in known
    ]


def _still_named(
    gone: Iterable[Present], asked: Mapping[str, Definition], standing: Mapping[str, Present]
) -> list[Place]:
    going = {one.name for one in gone}
    return [
        Place(
            "--prune",
            0,
            one.name,
            f"cannot be deleted: it is named by {other.name!r} of "
            f"{other.owner or 'nobody'!r}, which stays; change that one first",
        )
        for other in standing.values()
        if other.name not in going and other.name not in asked and other.definition
        for one in gone
        if one.name in {subject for _, subject in references(other.definition)}
    ]


def _circle(
    wanted: Iterable[Wanted],
    asked: Mapping[str, Definition],
    standing: Mapping[str, Present],
    gone: set[str],
) -> list[Place]:
    """Return the circle in which jobs would run after one another, if there is one."""
    final = {name: one.definition for name, one in standing.items() if name not in gone}
    runs_after: dict[str, set[str]] = {}
    for name, definition in {**final, **asked}.items():
        for path, subject in references(definition or {}):
            later, earlier = (subject, name) if path == _HANDLER else (name, subject)
            runs_after.setdefault(later, set()).add(earlier)
    try:
        TopologicalSorter(runs_after).prepare()
    except CycleError as error:
        way = error.args[1]
        sources = {one.name: one.source for one in wanted}
        source = next(sources[name] for name in way if name in sources)
        field = "after" if "after" in source.lines else _HANDLER
        return [source.fault(field, f"makes a circle: {' -> '.join(way)}")]
    return []


def _ordered(changes: Sequence[Change]) -> list[Change]:
    """Return *changes* by rule 2."""
    by_name = {one.name: one for one in changes}
    needs = {
        one.name: {subject for _, subject in references(one.definition or {}) if subject in by_name}
        for one in changes
    }
    later: set[str] = set()
    while True:
        try:
            order = list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            later.add(_cut(error.args[1], by_name, needs))
        else:
            break
    return [replace(by_name[name], handler_later=name in later) for name in order]


def _cut(way: list[str], by_name: Mapping[str, Change], needs: dict[str, set[str]]) -> str:
    """Take the need of a failure handler out of the circle *way*; return whose it was."""
    for name in way:
        definition = by_name[name].definition or {}
        handler = definition.get(_HANDLER)
        parents = {subject for path, subject in references(definition) if path != _HANDLER}
        if handler in needs[name] and handler in way and handler not in parents:
            needs[name].discard(handler)
            return name
    raise AssertionError(f"a circle without a failure handler: {way}")


def _deletions(gone: Sequence[Present]) -> list[Change]:
    names = {one.name: one for one in gone}
    needs = {
        one.name: {s for _, s in references(one.definition or {}) if s in names} for one in gone
    }
    while True:
        try:
            order = list(TopologicalSorter(needs).static_order())
            break
        except CycleError as error:
            # Jobs that name each other all go; the first of them takes its name out of the rest.
            needs[error.args[1][0]] = set()
    return [
        Change(name=name, definition=None, revision=names[name].revision)
        for name in reversed(order)
    ]
