"""What tests of several adapters share: a listener, a web server to call, a port of nobody's."""

import socket
from collections.abc import Iterator

import pytest

from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


@pytest.fixture
def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


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
