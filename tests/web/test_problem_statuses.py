"""Every error of Solocron has an HTTP status of its own."""

import logging
from collections.abc import Iterator

import pytest

from executor.domain import errors
from executor.domain.command import ResultStatus
from executor.domain.errors import SolocronError
from tests.web.world import PLAIN, World, problem_of
from web.commands import REFUSALS
from web.problems import STATUS, status_of


def every_error(root: type[SolocronError] = SolocronError) -> Iterator[type[SolocronError]]:
    """Yield *root* and all classes below it, as the domain defines them."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_error(child)


@pytest.mark.parametrize("kind", list(every_error()))
def test_every_error_is_mapped(kind: type[SolocronError]) -> None:
    """A new error is given a status by a person, not by its parent."""
    assert kind in STATUS


def test_an_error_from_elsewhere_is_answered_like_its_parent() -> None:
    """Adapters may refine an error; its meaning stays."""

    class SlowStoreError(errors.StoreUnavailable):
        """A refinement."""

    assert status_of(SlowStoreError) == 503


def test_every_outcome_of_a_command_has_an_answer() -> None:
    """An outcome is a success or a refusal, none is left out."""
    successes = {ResultStatus.CREATED, ResultStatus.DONE}

    assert set(REFUSALS) == set(ResultStatus) - successes


def test_an_unexpected_error_is_our_fault(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """500 as a problem; the log has the cause, the answer does not."""
    caplog.set_level(logging.ERROR)

    def fail() -> None:
        raise RuntimeError("secret")

    world.executor.before = fail

    problem = problem_of(world.post("/v1/jobs", PLAIN), 500)

    assert "secret" not in str(problem)
    [record] = [one for one in caplog.records if one.name == "web.problems"]
    assert record.__dict__["action"] == "request_failed"
    assert record.exc_info is not None
