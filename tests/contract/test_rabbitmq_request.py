"""What the sender of a command is told when its time is up, for each stage of the request."""

import pytest

from executor.adapters.rabbitmq.request import Request, Stage
from executor.domain.errors import BrokerUnavailable, NoExecutor
from tests.contract.broker_world import command, done


def request_at(stage: Stage, nobody: bool = False) -> Request:
    request = Request(command("1"))
    request.nobody = nobody
    assert request.advance(stage)
    return request


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.PROBING])
def test_what_was_not_sent_for_want_of_an_executor_says_so(stage: Stage) -> None:
    """The latest probe found nobody."""
    request = request_at(stage, nobody=True)

    request.end_without_answer("time is up")

    with pytest.raises(NoExecutor):
        request.outcome()


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.PROBING])
def test_what_was_not_sent_for_want_of_a_broker_says_so(stage: Stage) -> None:
    """Nobody is known to be missing: it is the broker that did not answer."""
    request = request_at(stage)

    request.end_without_answer("refused")

    with pytest.raises(BrokerUnavailable, match="not sent: refused"):
        request.outcome()


def test_what_was_sent_and_not_confirmed_is_unknown() -> None:
    """The broker may or may not have it."""
    request = request_at(Stage.SENT, nobody=True)

    request.end_without_answer("cut")

    with pytest.raises(BrokerUnavailable, match="unknown whether"):
        request.outcome()


def test_what_was_confirmed_is_accepted() -> None:
    """None means that the broker has it."""
    request = request_at(Stage.ACCEPTED)

    request.end_without_answer("cut")

    assert request.outcome() is None


def test_a_request_that_has_ended_does_nothing_more() -> None:
    """A command whose sender was told that nothing was sent is never sent."""
    request = request_at(Stage.PROBING, nobody=True)
    request.end_without_answer("time is up")

    assert not request.advance(Stage.SENT)


def test_an_answer_after_the_end_changes_nothing() -> None:
    """The first end counts."""
    request = request_at(Stage.ACCEPTED)
    request.end_without_answer("time is up")

    request.end(done(command("1")))

    assert request.outcome() is None
