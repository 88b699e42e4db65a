"""Where the tests of HTTP targets get their launcher from, and words that they share."""

from collections.abc import Iterator
from typing import Final, Literal, get_args

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.ports.target import Launcher
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

#: Nothing can listen here: the port is reserved and unassigned.
DEAD_PORT: Final = 1


class HttpWorkshop:
    """Makes a launcher of requests to ``server``; what it reports is in ``log``."""

    @pytest.fixture
    def launcher(self, log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
        """One request at a time, so that every request uses the handle of the one before."""
        launcher = HttpLauncher(log, SystemClock(), parallel=1)
        yield launcher
        launcher.stop()
