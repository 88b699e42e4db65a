"""The judge of jobs that run for ever: from the rows alone, with its own idea of their rests.

That no two runs of one go on at once is judged for every job with a limit (``ledger``).
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.simulation.checker import RESUMES_S
from tests.simulation.facts import Facts

#: Job -> the longest that its work and its rest take together, seconds.
LONGEST_S = {"forever-1": 5.0 + 4.0, "forever-2": 20.0 + 1.0}

#: A lost run occupies its job until its lease has ended, and somebody has looked.
LEASE_S = 15.0


def check_continuous(facts: Facts) -> list[str]:
    """Each has been started again after every end, and to the last."""
    wrong = []
    last = max(row.created_at for row in facts.rows.values())
    for job, longest_s in LONGEST_S.items():
        rows = sorted(facts.of(job), key=lambda row: row.created_at)
        if not rows:
            wrong.append(f"{job}: never started")
            continue
        patience = timedelta(seconds=longest_s + LEASE_S + RESUMES_S)
        if last - rows[-1].created_at > patience:
            wrong.append(f"{job}: last started at {rows[-1].created_at}, it is {last}")
        wrong += [
            f"{job}: {later.id} begins as {later.cause}, and {earlier.id} goes on"
            for earlier, later in pairwise(rows)
            # What ended at the very last may not be written yet.
            if earlier.is_live and later.is_live and later.created_at < facts.rest
        ]
        wrong += [f"{job}: {row.id} repeats another run" for row in rows if row.attempt > 1]
    return wrong
