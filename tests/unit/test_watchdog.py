"""When the watchdog asks for a new token, and when it keeps still."""

import random

from executor.domain.watchdog import SIGHTINGS, Sighting, Watchdog, interval, patience

T = 5.0


def missing(at: float) -> Sighting:
    return Sighting(at, ready=0, consumers=2, marked=False)


def test_a_token_that_stays_missing_is_replaced() -> None:
    """Three looks in a row over more than 3T + 5 s are enough."""
    watchdog = Watchdog(T)

    assert [watchdog.see(missing(at)) for at in (100, 110, 120.1)] == [False, False, True]


def test_exactly_the_patience_is_not_enough() -> None:
    """The token must have been missing for longer than a hand-over can take."""
    watchdog = Watchdog(T)

    assert [watchdog.see(missing(at)) for at in (0, 10, 20)] == [False, False, False]
    assert watchdog.see(missing(20.001))


def test_a_long_time_with_two_looks_is_not_enough() -> None:
    """A watchdog that was itself asleep has not watched."""
    watchdog = Watchdog(T)

    assert [watchdog.see(missing(at)) for at in (0, 1000, 1001)] == [False, False, True]


def test_many_quick_looks_are_not_enough() -> None:
    """However often it looks, it waits out the time."""
    watchdog = Watchdog(T)

    assert not any(watchdog.see(missing(at)) for at in range(20))


def test_a_waiting_token_begins_the_count_afresh() -> None:
    """One look that finds it undoes all that missed it."""
    watchdog = Watchdog(T)
    for at in (0, 10):
        watchdog.see(missing(at))

    watchdog.see(Sighting(15, ready=1, consumers=2, marked=False))

    assert not watchdog.see(missing(21))


def test_a_presence_mark_begins_the_count_afresh() -> None:
    """A marked holder has the token, whatever the queue says."""
    watchdog = Watchdog(T)
    for at in (0, 10):
        watchdog.see(missing(at))

    watchdog.see(Sighting(15, ready=0, consumers=2, marked=True))

    assert not watchdog.see(missing(21))


def test_without_candidates_nothing_is_published() -> None:
    """Nobody could win it, and whoever holds it may only be out of sight."""
    watchdog = Watchdog(T)

    looks = [Sighting(at, ready=0, consumers=0, marked=False) for at in range(0, 100, 10)]

    assert not any(watchdog.see(look) for look in looks)


def test_lost_sight_begins_the_count_afresh() -> None:
    """What happened while the connection was away is unknown."""
    watchdog = Watchdog(T)
    for at in (0, 10):
        watchdog.see(missing(at))

    watchdog.lose_sight()

    assert [watchdog.see(missing(at)) for at in (21, 31, 41)] == [False, False, False]


def test_after_a_new_token_the_watchdog_waits_the_whole_time_again() -> None:
    """Even if the new one is not seen, the next is a whole period later."""
    watchdog = Watchdog(T)
    asked = [at for at in range(100) if watchdog.see(missing(at))]

    assert asked == [21, 43, 65, 87]


def test_at_its_own_interval_it_asks_within_the_documented_bounds() -> None:
    """Not before 3T + 5 s and at most one jittered interval later, for any heartbeat."""
    chance = random.Random(1)
    for heartbeat in (1, 2, 5, 10, 60):
        watchdog = Watchdog(heartbeat)
        longest = 1.2 * interval(heartbeat)
        at = 0.0
        looks = 1
        while not watchdog.see(missing(at)):
            at += chance.uniform(0.8, 1.2) * interval(heartbeat)
            looks += 1

        assert patience(heartbeat) < at <= patience(heartbeat) + longest
        assert looks >= SIGHTINGS
