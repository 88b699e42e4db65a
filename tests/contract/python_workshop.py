"""Where the tests of Python jobs get their launchers and targets from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from executor.adapters.python_target import PythonLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.targets import PythonTarget
from executor.ports.target import Launcher
from tests.contract.command_workshop import GRACE_S, LINGER_S, PATIENT_S, CleanLeaving
from tests.fakes.work_log import WorkLog

MODULE: Final = "tests.fakes.python_jobs"

#: What the launchers of these tests permit.
PERMITTED: Final = PermittedPrograms(modules=(MODULE, "tests.fakes.no_such_module"))


def calling(function: str, **arguments: Any) -> PythonTarget:
    """Return a target that calls *function* of the module of samples."""
    return PythonTarget(callable=f"{MODULE}:{function}", arguments=arguments)


class PythonWorkshop(CleanLeaving):
    """Makes launchers of Python jobs; what they report is in ``log``."""

    @pytest.fixture
    def launcher(self, log: WorkLog) -> Iterator[Launcher]:
        launcher = PythonLauncher(
            log, SystemClock(), permitted=PERMITTED, grace_s=GRACE_S, linger_s=LINGER_S
        )
        yield launcher
        launcher.stop()

    @pytest.fixture
    def patient(self, log: WorkLog) -> Iterator[Launcher]:
        """For what must end by itself."""
        launcher = PythonLauncher(
            log, SystemClock(), permitted=PERMITTED, grace_s=PATIENT_S, linger_s=PATIENT_S
        )
        yield launcher
        launcher.stop()
