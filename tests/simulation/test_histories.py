"""A thousand histories under faults, and the proof that the checker would notice."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.history import Switches, run_history
from tests.simulation.policies import SCENES, scenes_of

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


def test_every_policy_has_its_histories() -> None:
    """Each scene is drawn often enough for rare faults to meet it."""
    drawn = Counter(name for seed in range(SEEDS) for name in scenes_of(seed))

    assert drawn.keys() == SCENES.keys()
    assert min(drawn.values()) >= SEEDS / len(SCENES)


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
