"""What the tests of all launchers share: a listener, and a web server to call."""

from collections.abc import Iterator

import pytest

from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


@pytest.fixture
def log() -> Iterator[WorkLog]:
    """A listener; afterwards it must have heard nothing that no launcher may say."""
    log = WorkLog()
    yield log
    assert log.faults == []


@pytest.fixture
def server() -> Iterator[RecordingTarget]:
    """A web server that remembers its requests."""
    with RecordingTarget() as server:
        yield server
