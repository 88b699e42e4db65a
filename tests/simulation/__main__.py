"""Replay one history with its trace: ``python -m tests.simulation SEED [SEED ...]``."""

import sys

from tests.simulation.history import run_history

failures = 0
for seed in map(int, sys.argv[1:]):
    verdict = run_history(seed, trace=True)
    print("\n".join(verdict.trace))
    print(f"seed {seed}: {verdict.starts} starts, {verdict.terms} terms")
    for line in verdict.wrong:
        print("WRONG", line)
    failures += bool(verdict.wrong)
sys.exit(bool(failures))
