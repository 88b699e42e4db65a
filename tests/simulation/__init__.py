"""Whole clusters on one virtual clock, under seeded faults, judged by an independent checker.

``world`` moves time and messages, ``broker`` and ``ledger`` stand for the broker and for
the targets, ``faults`` decides what breaks when, ``clients`` change jobs and insist on
answers, ``checker`` knows nothing of the engine and says what is wrong.

One history again, with its trace::

    python -m tests.simulation SEED
"""
