"""What apply decides to do: changes, their order, and why there can be none."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from executor.client.plan import Plan, Wanted, make_plan, name_faults
from executor.client.present import Present, references
from executor.client.source import Source
from executor.domain.difference import Difference, differences
from executor.domain.job import definition_from_document, definition_to_document

TARGET = {"kind": "command", "command": "true"}


def job(name: str, **fields: Any) -> dict[str, Any]:
    """Return the definition of a job in the service's form."""
    document = {"name": name, "target": TARGET, **fields}
    return definition_to_document(definition_from_document(document))


def after(*names: str) -> dict[str, Any]:
    """Return the field that makes a job run after others."""
    return {"jobs": list(names)}


def wanted(*definitions: dict[str, Any]) -> list[Wanted]:
    """Return what a file with these jobs asks for, each on a line of its own."""
    return [
        Wanted(name=one["name"], definition=one, source=Source("f", one, {"": line}))
        for line, one in enumerate(definitions, 1)
    ]


def present(*definitions: dict[str, Any]) -> list[Present]:
    """Return the jobs as a service has them, all at revision 4."""
    return [
        Present(id=f"{line:032x}", name=one["name"], revision=4, definition=one)
        for line, one in enumerate(definitions, 1)
    ]


def steps(plan: Plan) -> list[str]:
    """Return the changes in their order."""
    assert not plan.faults
    return [f"{change.verb} {change.name}" for change in plan.changes]


def faults(plan: Plan) -> list[str]:
    """Return why there is no plan."""
    assert not plan.changes
    return [str(fault) for fault in plan.faults]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    """Only what is new or different is changed, at the revision that was seen."""
    plan = make_plan(
        wanted(job("same"), job("other", timeout="PT1M"), job("new")),
        present(job("same"), job("other"), job("not in the files")),
    )

    assert sorted(steps(plan)) == ["change other", "create new"]
    assert plan.unchanged == 1
    (changed,) = [change for change in plan.changes if change.verb == "change"]
    assert changed.revision == 4
    assert changed.differences == (Difference("timeout", "PT1H", "PT1M"),)


def test_jobs_that_others_name_come_first() -> None:
    """Parents and failure handlers before those that name them, however the files are sorted."""
    plan = make_plan(
        wanted(
            job("a", after=after("b"), on_failure="d"),
            job("b", after=after("c")),
            job("c"),
            job("d"),
        ),
        [],
    )

    order = steps(plan)
    assert order.index("create c") < order.index("create b") < order.index("create a")
    assert order.index("create d") < order.index("create a")


def test_a_handler_that_follows_its_own_job_is_named_afterwards() -> None:
    """The job is first made without it, so that each exists before it is named."""
    plan = make_plan(wanted(job("a", on_failure="h"), job("h", after=after("a"))), [])

    assert steps(plan) == ["create a", "create h"]
    assert [change.handler_later for change in plan.changes] == [True, False]


def test_a_circle_is_a_fault_that_shows_the_way() -> None:
    """Also where half of it is at the service already."""
    found = faults(
        make_plan(wanted(job("a", after=after("b"))), present(job("a"), job("b", after=after("a"))))
    )

    assert len(found) == 1
    assert "makes a circle: " in found[0]
    assert found[0].startswith("f:1: ")


def test_a_name_that_nobody_has_is_a_fault_of_its_field() -> None:
    """Unless the service has it; ids of jobs that are there do as well."""
    standing = present(job("here"))

    assert steps(make_plan(wanted(job("a", after=after(standing[0].id))), standing)) == ["create a"]
    assert faults(make_plan(wanted(job("a", on_failure="nowhere")), standing)) == [
        "f:1: on_failure: there is no job 'nowhere', neither at the service nor in these files"
    ]


def test_a_job_named_by_its_id_is_no_difference() -> None:
    """What the service has by id and the file by name is the same job."""
    standing = present(job("parent"), job("child", after=after("parent")))
    by_id = job("child", after=after(standing[0].id))

    assert make_plan(wanted(by_id), standing).unchanged == 1


def test_pruning_deletes_the_jobs_of_that_owner_only() -> None:
    """Dependents before what they depend on; nothing without being asked."""
    standing = present(
        job("parent", owner="x"),
        job("child", owner="x", after=after("parent")),
        job("kept", owner="x"),
        job("foreign", owner="y"),
    )

    assert steps(make_plan(wanted(job("kept", owner="x")), standing)) == []
    plan = make_plan(wanted(job("kept", owner="x")), standing, prune="x")
    assert steps(plan) == ["delete child", "delete parent"]


def test_pruning_never_takes_a_job_away_from_others() -> None:
    """With its last parent a job without a schedule would go as well, whoever owns it."""
    standing = present(job("parent", owner="x"), job("child", owner="y", after=after("parent")))

    (found,) = faults(make_plan([], standing, prune="x"))
    assert found.startswith("--prune: parent: cannot be deleted: it is named by 'child' of 'y'")
    named = wanted(job("mine", after=after("parent")))
    assert "job 'parent' would be pruned" in faults(make_plan(named, standing, prune="x"))[1]


def test_documents_without_a_name_or_with_the_same_are_faults() -> None:
    """With both places."""
    sources = [
        Source("f", {"name": "a"}, {"": 1, "name": 2}),
        Source("g", {"name": "a"}, {"": 5, "name": 6}),
        Source("g", {"name": 7}, {"": 8, "name": 9}),
        Source("g", {}, {"": 10}),
    ]

    assert [str(fault) for fault in name_faults(sources)] == [
        "g:6: name: 'a' is defined twice, first in f:2",
        "g:9: name: is required: a text that no other job has",
        "g:10: name: is required: a text that no other job has",
    ]


NAMES = ("a", "b", "c", "d", "e")


@given(st.data())
def test_no_order_names_a_job_before_it_exists(data: st.DataObject) -> None:
    """Of any jobs that name each other, each step names only what is there by then."""
    definitions = []
    for name in NAMES:
        parents = data.draw(st.sets(st.sampled_from([n for n in NAMES if n < name] or ["a"])))
        fields: dict[str, Any] = {"after": after(*sorted(parents))} if parents - {name} else {}
        handler = data.draw(st.none() | st.sampled_from(NAMES))
        definitions.append(job(name, **fields, on_failure=handler))
    standing = present(*(job(name) for name in data.draw(st.sets(st.sampled_from(NAMES)))))
    plan = make_plan(wanted(*definitions), standing)
    there = {one.name for one in standing}
    for change in plan.changes:
        assert change.definition is not None
        for field, subject in references(change.definition):
            assert subject in there or (field == "on_failure" and change.handler_later)
        there.add(change.name)


def test_differences_are_shown_field_by_field() -> None:
    """Long texts by their lines; what one side lacks as such."""
    old = {"a": 1, "t": {"x": "p q", "gone": True}, "body": "one\ntwo\nthree\n", "list": ["a"]}
    new = {"a": 1, "t": {"x": "r", "new": None}, "body": "one\n2\nthree\n", "list": ["a", "b"]}

    lines = [line for difference in differences(old, new) for line in difference.lines()]

    assert lines == [
        't.x: "p q" -> r',
        "t.new: (none) -> null",
        "t.gone: true -> (none)",
        "body:",
        "  @@ -1,3 +1,3 @@",
        "   one",
        "  -two",
        "  +2",
        "   three",
        'list: ["a"] -> ["a", "b"]',
    ]
    assert Difference("x", 1, True) == differences({"x": 1}, {"x": True})[0]
