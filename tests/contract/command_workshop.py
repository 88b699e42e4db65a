"""Where the tests of programs get their launchers from, and who looks after them.

Every test class about programs is a :class:`CleanLeaving`: whatever its tests start and
open must be gone when they are over.
"""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from executor.adapters.command_target import CommandLauncher
from executor.adapters.system_clock import SystemClock
from executor.ports.target import Launcher
from tests.contract.programs import children
from tests.fakes.work_log import WorkLog

#: What may pass until SIGKILL and until an open output is given up, seconds, in these tests.
GRACE_S: Final = 0.5
LINGER_S: Final = 0.5

#: The same where a program must end by itself, however slow the machine.
PATIENT_S: Final = 1000.0


class CleanLeaving:
    """After each test: no child more, not even a zombie, and no descriptor."""

    @pytest.fixture(autouse=True)
    def _nothing_is_left(self) -> Iterator[None]:
        # Only what was added counts: things of an earlier test may go meanwhile.
        gc.collect()
        # What stays is not gone through again: what thousands of tests have left in a process
        # (tables, caches) would take longer than the test.
        gc.freeze()
        known_children, known_descriptors = children(), _descriptors()
        yield
        gc.collect()
        assert children() - known_children == set()
        assert _descriptors() - known_descriptors == set()


class CommandWorkshop(CleanLeaving):
    """Makes launchers of programs; what they report is in ``log``."""

    @pytest.fixture
    def launcher(self, log: WorkLog) -> Iterator[Launcher]:
        launcher = CommandLauncher(log, SystemClock(), grace_s=GRACE_S, linger_s=LINGER_S)
        yield launcher
        launcher.stop()

    @pytest.fixture
    def patient(self, log: WorkLog) -> Iterator[Launcher]:
        """For what must end by itself."""
        launcher = CommandLauncher(log, SystemClock(), grace_s=PATIENT_S, linger_s=PATIENT_S)
        yield launcher
        launcher.stop()


def _descriptors() -> set[tuple[str, str]]:
    """Return the descriptors that this process has open, each with what it leads to.

    The kernel numbers pipes and sockets, so one that took the place of another is told
    apart although it has its descriptor.
    """
    found = set()
    for path in list(Path("/proc/self/fd").iterdir()):
        try:
            found.add((path.name, str(path.readlink())))
        except FileNotFoundError:
            # The one by which the folder was read, or closed on another thread since.
            continue
    return found
