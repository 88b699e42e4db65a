"""A thousand histories under faults, and the proof that the checker would notice."""

from __future__ import annotations

import pytest

from tests.simulation.history import Switches, run_history

#: Histories of the default run; ``python -m tests.simulation SEED`` replays one.
SEEDS = 1_000
_CHUNK = 25


@pytest.mark.parametrize("first", range(0, SEEDS, _CHUNK))
def test_no_fault_makes_a_slot_run_twice_or_vanish(first: int) -> None:
    """Whatever breaks: one row a slot, no double or uncleared start, no lost answer, then rest."""
    for seed in range(first, first + _CHUNK):
        verdict = run_history(seed)

        assert not verdict.wrong, f"replay: python -m tests.simulation {seed}\n" + "\n".join(
            verdict.wrong[:10]
        )


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param(Switches(unique=False), id="no unique key"),
        pytest.param(Switches(cleared=False), id="no clearance"),
        pytest.param(Switches(ordered=False), id="cleared before the claims are durable"),
    ],
)
def test_without_its_guards_the_protocol_is_seen_to_fail(switches: Switches) -> None:
    """Removing the unique key, the clearance or their order is noticed in the same histories."""
    assert any(run_history(seed, switches).wrong for seed in range(SEEDS))


def test_the_same_seed_tells_the_same_history() -> None:
    """A history is a function of its seed, so a failure can be replayed."""
    once, again = (run_history(7, trace=True) for _ in range(2))

    assert once.trace == again.trace
    assert once.starts > 0
