"""Jobs with policies: each history has a few of these scenes besides its steady jobs.

Names are unique among all scenes, and are all that the checkers know a job by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any, Final

from tests.simulation import continuous_checker, following_checker, slot_checker
from tests.simulation.facts import Facts
from tests.simulation.remote_checker import HEARTBEAT_S
from tests.simulation.slot_checker import Habits
from tests.simulation.telling_checker import EACH, RULES, THRICE, check_telling
from tests.simulation.work import Work

Document = dict[str, Any]

#: Work that is done before long.
_BRISK: Final = Work(0.001, 1.2, None)


@dataclass(frozen=True, slots=True)
class Policed:
    """A job of a scene: due every ``period`` seconds (0: never by itself), with these policies.

    ``limit``: so many of its runs go on at once.  ``in_order``: it has a line that is kept.
    ``habits``: what becomes of its slots, for jobs of which each has to have its row.
    ``slots``: its schedule has so many, and then it is over; None: it goes on.
    """

    period: int
    document: Document = field(default_factory=dict)
    work: Work = _BRISK
    limit: float = 1
    in_order: bool = False
    jitter: str | None = None
    habits: Habits | None = None
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Jobs that belong together, and who judges them besides."""

    jobs: Mapping[str, Policed]
    judge: Callable[[Facts], list[str]] = lambda facts: []


def _told(name: str) -> Document:
    return {"notify": RULES[name], "ping": "https://monitor.example.com/id"}


def _queue(queue: int, limit: int = 1) -> Document:
    return {"overlap": {"policy": "queue", "limit": limit, "queue": queue}}


def _retry(attempts: int, delay: str, **more: object) -> Document:
    retry = {"attempts": attempts, "delay": delay, "backoff": "fixed", "jitter": 0}
    return {"retry": retry, "on_failure": "handler", **more}


#: Retries after some HTTP statuses only.
_CHOOSY: Final = _retry(1, "PT2S")
_CHOOSY["retry"]["statuses"] = ["5xx"]

#: Retries of which every other condition is set.  Lost runs are not repeated at all.
_PICKY: Final = _retry(3, "PT1S", retrigger=0)
_PICKY["retry"] |= {"backoff": "exponential", "max_delay": "PT3S", "jitter": 0.5, "window": "PT5S"}
_PICKY["retry"] |= {"on": ["failed", "lost"], "exit_codes": [1]}

_ALLOW: Final = {"overlap": {"policy": "allow"}}
_REPLACE: Final = {"overlap": {"policy": "replace"}}

#: Work that fills its job's line now and then, and is done with it in the end.
_BUSY: Final = Work(0.3, 3.2, None)


#: Work that goes on elsewhere; the target of those with workers is put in later.  What a wipe of
#: the broker took with it, nobody will ever report about: it has to be begun in time.
_REMOTE: Final[Document] = {
    "target": {"kind": "http", "url": "https://example.com/", "callback": True},
    "heartbeat_timeout": f"PT{HEARTBEAT_S}S",
    "start_timeout": "PT12S",
    "timeout": "PT8S",
}
_FORBIDS: Final = Habits(frozenset({"misfire", "overlap", "start_timeout"}), lasts_s=24)


SCENES: Final[dict[str, Scene]] = {
    "queue": Scene(
        {
            "queue-1": Policed(
                2,
                _queue(3),
                _BUSY,
                in_order=True,
                habits=Habits(frozenset({"misfire", "queue_full"}), lasts_s=28),
            ),
            "queue-2": Policed(
                1,
                _queue(4, limit=2),
                Work(0.3, 3.0, None),
                limit=2,
                in_order=True,
                habits=Habits(frozenset({"misfire", "queue_full"}), lasts_s=28),
            ),
        }
    ),
    "replace": Scene(
        {
            "replace-1": Policed(
                2,
                _REPLACE,
                Work(0.5, 4.5, None),
                habits=Habits(frozenset({"misfire", "replaced"}), lasts_s=20),
            ),
            "replace-2": Policed(
                3,
                {"overlap": {"policy": "replace", "limit": 2}},
                Work(2.0, 8.0, None),
                limit=2,
                habits=Habits(frozenset({"misfire", "replaced"}), lasts_s=20),
            ),
        },
        slot_checker.check_replaced,
    ),
    "allow": Scene(
        {
            "allow-1": Policed(
                1,
                _ALLOW,
                Work(0.3, 4.0, None),
                limit=inf,
                habits=Habits(frozenset({"misfire"}), lasts_s=16),
            ),
        }
    ),
    "locks": Scene(
        {
            "lock-a": Policed(
                2,
                {"lock": "door", **_queue(5)},
                Work(0.1, 1.2, None),
                in_order=True,
                habits=Habits(frozenset({"misfire", "queue_full"}), lasts_s=28),
            ),
            "lock-b": Policed(
                3,
                {"lock": "door", **_ALLOW},
                Work(0.1, 1.5, None),
                habits=Habits(frozenset({"misfire"}), lasts_s=28),
            ),
            "lock-c": Policed(
                5,
                {"lock": "door"},
                Work(0.1, 1.5, None),
                habits=Habits(frozenset({"misfire", "overlap", "locked"}), lasts_s=20),
            ),
        }
    ),
    "retry": Scene(
        {
            "retry-1": Policed(
                4,
                _retry(2, "PT1S", **_ALLOW),
                Work(0.001, 1.0, 4.0, fails=0.6),
                limit=inf,
            ),
            "retry-2": Policed(
                5,
                _CHOOSY | _queue(10),
                Work(0.001, 2.0, 4.0, fails=0.6, puts_off=6, codes=(500, 503, 404)),
                in_order=True,
            ),
            "retry-3": Policed(
                4, {**_PICKY, **_queue(10)}, Work(0.1, 3.0, 4.0, 0.8, codes=(0, 1, 1, 2))
            ),
            "handler": Policed(0, _ALLOW, limit=inf),
        },
        following_checker.check_retries,
    ),
    "any": Scene(
        {
            "any-root-1": Policed(3, work=Work(0.001, 1.0, 4.0, fails=0.3)),
            "any-root-2": Policed(4),
            "any-child": Policed(
                0, {"after": {"jobs": ["any-root-1", "any-root-2"]}, **_ALLOW}, limit=inf
            ),
            "any-mourner": Policed(
                0, {"after": {"jobs": ["any-root-1"], "when": "failure"}, **_queue(50)}
            ),
        },
        following_checker.check_any,
    ),
    "all": Scene(
        {
            "all-root-1": Policed(3),
            "all-root-2": Policed(4, work=Work(0.001, 1.2, 4.0, fails=0.2)),
            "all-child": Policed(
                0,
                {"after": {"jobs": ["all-root-1", "all-root-2"], "mode": "all"}, **_ALLOW},
                limit=inf,
            ),
            "all-grandchild": Policed(
                0, {"after": {"jobs": ["all-child"], "when": "finished"}, **_ALLOW}, limit=inf
            ),
        },
        following_checker.check_all,
    ),
    "misfire": Scene(
        {
            "catch-all": Policed(
                2,
                {"misfire": {"policy": "all"}},
                Work(0.001, 1.0, None),
                habits=Habits(frozenset({"overlap"}), lasts_s=30),
            ),
            "catch-late": Policed(
                5,
                {"misfire": slot_checker.LATE},
                habits=Habits(frozenset({"misfire", "overlap"}), lasts_s=16),
            ),
            "catch-none": Policed(
                2,
                {"misfire": {"policy": "skip"}},
                habits=Habits(frozenset({"misfire", "overlap"}), lasts_s=16),
            ),
        },
        slot_checker.check_misfires,
    ),
    "times": Scene(
        {
            "jittered": Policed(
                3,
                _ALLOW,
                limit=inf,
                jitter="PT2S",
                habits=Habits(frozenset({"misfire"}), lasts_s=16),
            ),
            "finite": Policed(
                3,
                habits=Habits(frozenset({"misfire", "overlap"}), lasts_s=16),
                slots=7,
            ),
            "hasty": Policed(
                2,
                {"start_timeout": "PT3S", **_queue(5)},
                _BUSY,
                habits=Habits(frozenset({"misfire", "start_timeout"}), lasts_s=20),
            ),
        },
        slot_checker.check_times,
    ),
    "blackout": Scene(
        {
            "dark-skip": Policed(
                1,
                {"calendars": [{"name": "dark", "policy": "skip"}], **_ALLOW},
                limit=inf,
                habits=Habits(frozenset({"misfire", "blackout"}), lasts_s=16),
            ),
            "dark-after": Policed(
                2,
                {"calendars": [{"name": "dark", "policy": "run_after"}], **_ALLOW},
                limit=inf,
                habits=Habits(frozenset({"misfire", "blackout"}), lasts_s=16),
            ),
        },
        slot_checker.check_blackouts,
    ),
    "nap": Scene(
        {
            "napping": Policed(
                2,
                habits=Habits(frozenset({"misfire", "overlap", "paused"}), lasts_s=16),
            ),
            "nap-child": Policed(0, {"after": {"jobs": ["napping"]}, **_ALLOW}, limit=inf),
        },
        following_checker.check_naps,
    ),
    "continuous": Scene(
        {
            "forever-1": Policed(
                0,
                {"schedule": {"kind": "continuous", "max_delay": "PT4S"}},
                Work(0.5, 5.0, None, fails=0.3),
            ),
            "forever-2": Policed(0, {"schedule": {"kind": "continuous"}}, Work(10.0, 20.0, None)),
        },
        continuous_checker.check_continuous,
    ),
    "past": Scene(
        {
            "past": Policed(
                5,
                work=Work(0.001, 0.5, None),
                habits=Habits(frozenset({"misfire", "overlap"}), lasts_s=30),
            ),
        },
        slot_checker.check_backfill,
    ),
    "remote": Scene(
        {
            "worker-1": Policed(3, _REMOTE, habits=_FORBIDS),
            "worker-2": Policed(
                2,
                {**_REMOTE, **_ALLOW},
                limit=inf,
                habits=Habits(frozenset({"misfire", "start_timeout"}), lasts_s=24),
            ),
            "worker-3": Policed(
                3,
                {**_REMOTE, **_REPLACE},
                habits=Habits(frozenset({"misfire", "replaced", "start_timeout"}), lasts_s=24),
            ),
            "service-1": Policed(4, _REMOTE, habits=_FORBIDS),
        }
    ),
}

SCENES["told"] = Scene(
    {
        EACH: Policed(2, _told(EACH), Work(0.001, 1.2, None, fails=0.4)),
        THRICE: Policed(3, _told(THRICE), Work(0.001, 0.8, None, fails=1.0)),
    },
    check_telling,
)

#: Most scenes of one history: every other one has so many, the others have one less.
_SCENES: Final = 2


def scenes_of(seed: int) -> dict[str, Scene]:
    """Draw the scenes of a history."""
    drawn = 1 + seed % _SCENES
    names = sorted(Random(f"scenes {seed}").sample(sorted(SCENES), drawn))
    return {name: SCENES[name] for name in names}
