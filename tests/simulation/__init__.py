"""Whole clusters on one virtual clock, under seeded faults, judged by an independent checker.

``world`` moves time and messages, ``broker`` and ``ledger`` stand for the broker and for
the targets, ``faults`` decides what breaks when, ``clients`` change jobs and insist on
answers, ``checker`` knows nothing of the engine and says what is wrong.

Every history has steady jobs, and two scenes of ``policies``: jobs with lines, locks,
retries, dependents, calendars and so on; ``opening_scene`` lets them stand in the store.
``slot_checker`` and ``following_checker`` judge them by what is in the store in the end;
``ledger`` and ``parked`` by what happens meanwhile.

One history again, with its trace::

    python -m tests.simulation SEED
"""
