"""The command that tests a channel: a message that says nothing but that it arrives."""

from __future__ import annotations

from dataclasses import replace

from executor.domain.channel import CHANNELS
from executor.domain.command import Command, ResultStatus
from executor.domain.errors import NamedNotFound
from executor.domain.message import facts_of_test
from executor.domain.notification import a_message
from executor.domain.notify import Event
from executor.engine.scene import Decision, Post, RefusalError, Scene, result_of


def test_channel(command: Command, scene: Scene) -> Decision:
    """Have a message sent over a channel, once however often the command comes."""
    name, now = command.subject, scene.desk.now
    if scene.admission.channels.records.value(name) is None:
        raise RefusalError(ResultStatus.NOT_FOUND, NamedNotFound(CHANNELS.word, name))
    test = a_message(
        Event.TEST,
        name,
        job_id="",
        job="",
        run_id=None,
        about=command.id,
        at=now,
        payload=facts_of_test(name, now),
    )
    result = result_of(command, now, ResultStatus.DONE, None)
    return Post(test, replace(result, facts={"notification": test.id}))
