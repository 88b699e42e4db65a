"""Alarms: each rings once, at its time and not before, however often it is put off."""

from __future__ import annotations

from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from executor.engine.alarms import Alarms

NAMES = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, st.integers(0, 20)),
        st.tuples(st.just("drop"), NAMES, st.just(0)),
        st.tuples(st.just("pass"), st.just(""), st.integers(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_alarms_ring_as_a_plain_list_of_them_would(steps: list[tuple[str, str, int]]) -> None:
    """A dictionary that is looked through whole is the model."""
    alarms, model, now = Alarms(), dict[str, float](), 0.0
    for what, name, number in steps:
        if what == "set":
            alarms.set(name, now + number)
            model[name] = now + number
        elif what == "drop":
            alarms.drop(name)
            model.pop(name, None)
        else:
            now += number
            due = {name for name, time in model.items() if time <= now}
            assert sorted(alarms.due(now)) == sorted(due)
            model = {name: time for name, time in model.items() if name not in due}
        assert alarms.earliest <= min(model.values(), default=inf)


def test_an_alarm_that_is_put_off_for_ever_does_not_ring() -> None:
    """As that of a run of which nobody expects heartbeats."""
    alarms = Alarms()
    alarms.set("a", 1.0)
    alarms.set("a", inf)

    assert list(alarms.due(100.0)) == []
    assert alarms.earliest == inf


def test_an_alarm_that_is_put_off_often_takes_no_more_room() -> None:
    """Every heartbeat puts one off."""
    alarms = Alarms()
    for second in range(1_000):
        alarms.set("a", second + 10.0)

    rung = [name for second in range(9, 2_000) for name in alarms.due(float(second))]

    assert rung == ["a"]
    assert alarms.earliest == inf
