"""The line of waiting requests: order, room for each host, and nobody forgotten."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from executor.adapters.http_target.line import Line
from executor.domain.targets import HttpTarget
from executor.ports.target import Work
from tests.contract.launcher_contract import make_work


def waiting(*names: str) -> list[Work]:
    """Return works; the first letter of a name is its host."""
    return [make_work(HttpTarget(url=f"http://{name[0]}/"), name) for name in names]


def host_of(work: Work) -> str:
    return work.run.id[0]


def taken(line: Line) -> list[str]:
    """Take all that may be taken and return their names."""
    works = []
    while line.may_move():
        work = line.take()
        if work is not None:
            works.append(work.run.id)
    return works


def test_whoever_comes_first_is_taken_first() -> None:
    """As long as no host is full, the line is a queue."""
    line = Line(host_of, per_host=2)
    line.add(waiting("a1", "b1", "a2", "b2"))

    assert taken(line) == ["a1", "b1", "a2", "b2"]


def test_a_full_host_lets_others_pass() -> None:
    """Its works step aside, and nothing is left to do until one of its requests is over."""
    line = Line(host_of, per_host=1)
    a1, a2, b1 = waiting("a1", "a2", "b1")
    line.add([a1, a2, b1])

    assert taken(line) == ["a1", "b1"]
    line.leave(b1)
    assert not line.may_move()
    line.leave(a1)
    assert taken(line) == ["a2"]


def test_who_stepped_aside_goes_before_who_came_later() -> None:
    """Two places become free at once: the two first go, in their order, then the others."""
    line = Line(host_of, per_host=2)
    works = waiting("a1", "a2", "a3", "a4", "a5")
    line.add(works)
    assert taken(line) == ["a1", "a2"]
    line.add(waiting("a6", "b1"))

    line.leave(works[0])
    line.leave(works[1])

    assert taken(line) == ["a3", "a4", "b1"]


def test_a_work_can_leave_the_line_wherever_it_stands() -> None:
    """At the front, aside, or called and not yet taken; its place goes to the next one."""
    line = Line(host_of, per_host=1)
    a1, a2, a3, a4, b1 = waiting("a1", "a2", "a3", "a4", "b1")
    line.add([a1, a2, a3, a4])
    assert taken(line) == ["a1"]
    line.add([b1])

    assert [line.drop(name) for name in ("b1", "a3", "a1", "x")] == [b1, a3, None, None]
    line.leave(a1)
    assert line.drop("a2") == a2
    assert taken(line) == ["a4"]


@given(
    st.lists(st.tuples(st.sampled_from(["add", "take", "leave", "drop"]), st.integers(0, 3))),
    st.integers(1, 3),
)
def test_no_host_has_too_many_and_nobody_waits_without_need(
    steps: list[tuple[str, int]], per_host: int
) -> None:
    """Whatever happens, each host's works go in order, within its limit, and all of them."""
    line, number = Line(host_of, per_host), 0
    left: list[Work] = []
    flying: list[Work] = []
    for what, which in steps:
        if what == "add":
            number += 1
            left += waiting(f"{'abcd'[which]}{number}")
            line.add(left[-1:])
        elif what == "take" and line.may_move():
            if (work := line.take()) is not None:
                first = next(one for one in left if host_of(one) == host_of(work))
                assert work == first
                left.remove(work)
                flying.append(work)
        elif what == "leave" and flying:
            line.leave(flying.pop(which % len(flying)))
        elif what == "drop" and left:
            dropped = left.pop(which % len(left))
            assert line.drop(dropped.run.id) == dropped
        counts = Counter(map(host_of, flying))
        assert all(count <= per_host for count in counts.values())
        if not line.may_move():
            assert all(counts[host_of(work)] == per_host for work in left)
    while flying or left:
        assert line.may_move() or flying
        for name in taken(line):
            flying += [work for work in left if work.run.id == name]
            left = [work for work in left if work.run.id != name]
        if flying:
            line.leave(flying.pop())
