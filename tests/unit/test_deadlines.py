"""Deadlines of programs: each comes once, the latest set counts, none is kept for nothing."""

import gc
import weakref

from executor.adapters.command_target.deadlines import Deadlines


class Program:
    """Something that has a deadline."""


def test_deadlines_come_in_order_and_once() -> None:
    """Whatever is due by now comes out, earliest first, and not again."""
    deadlines: Deadlines[str] = Deadlines()
    for name, when in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        deadlines.set(name, when)
    assert deadlines.next() == 1.0
    assert deadlines.pop(0.5) == []
    assert deadlines.pop(2.0) == ["a", "b"]
    assert deadlines.pop(2.5) == []
    assert deadlines.pop(9.0) == ["c"]
    assert deadlines.next() is None


def test_the_deadline_set_last_counts() -> None:
    """A deadline that is replaced, by an earlier or a later one, never comes."""
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("later", 1.0)
    deadlines.set("later", 5.0)
    deadlines.set("earlier", 5.0)
    deadlines.set("earlier", 2.0)
    assert deadlines.pop(4.0) == ["earlier"]
    assert deadlines.pop(5.0) == ["later"]


def test_a_cleared_deadline_never_comes() -> None:
    """What is over is not due any more; clearing what has no deadline does nothing."""
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("over", 1.0)
    deadlines.clear("over")
    deadlines.clear("unknown")
    assert deadlines.pop(9.0) == []


def test_what_is_over_is_not_kept_until_its_deadline() -> None:
    """Of ten thousand programs with far deadlines that ended, hardly any is still held."""
    deadlines: Deadlines[Program] = Deadlines()
    held: weakref.WeakSet[Program] = weakref.WeakSet()
    for number in range(10_000):
        program = Program()
        held.add(program)
        deadlines.set(program, 3600.0 + number)
        deadlines.clear(program)
    del program
    gc.collect()
    assert len(held) < 100
