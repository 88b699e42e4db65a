"""Targets of kind ``message``: what may stand in them, and where they are taken."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import ResultStatus
from executor.domain.errors import InvalidJob
from executor.domain.filling import filled_in, secrets_of
from executor.domain.job import Definition, definition_from_document, definition_to_document
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.targets import LONGEST_QUEUED_NAME, MessageTarget
from tests.builders import a_claim, a_job, at, create
from tests.unit.desk_driver import Driver

HERMIT = PermittedTargets(workers=False)


def defined(name: str = "resize", **target: Any) -> Definition:
    document = {"name": name, "target": {"kind": "message", **target}}
    return definition_from_document(document)


def faults(name: str = "resize", **target: Any) -> dict[str, str]:
    with pytest.raises(InvalidJob) as refused:
        defined(name, **target)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_arguments_are_any_json_object_and_come_back_as_they_were() -> None:
    """Numbers stay numbers, and nothing is lost on the way to the store and back."""
    arguments = {"size": 3, "names": ["a", {"b": None}], "ratio": 0.5, "deep": {"on": True}}
    definition = defined(arguments=arguments)
    assert definition.target == MessageTarget(arguments=arguments)
    assert definition_from_document(definition_to_document(definition)) == definition


def test_every_text_at_any_depth_is_a_template() -> None:
    """Texts are filled in and stay texts; names and other values stay as they are."""
    definition = defined(arguments={"{{": 1, "a": ["{{ run.attempt }}", {"b": "{{ job.name }}"}]})
    job = a_job("resize", definition=definition)
    filled = filled_in(a_claim(job, at(10), attempt=2), definition, {})
    assert filled == MessageTarget(arguments={"{{": 1, "a": ["2", {"b": "resize"}]})
    assert secrets_of(definition.target) == frozenset()


def test_a_fault_in_a_template_names_its_place() -> None:
    """It is that of the arguments, with what to write instead."""
    assert list(faults(arguments={"a": [1, {"b": "{{ run.idd }}"}]})) == ["target.arguments"]


def test_secrets_stay_out_of_messages() -> None:
    """A broker writes messages down, so a job that would put a secret there is refused."""
    found = faults(arguments={"key": "{{ secret.api }}"})
    assert "broker keeps" in found["target.arguments"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "object"),
        ({"a": float("nan")}, "finite"),
        ({"a": 2**64}, "64 bits"),
        ({"a": "\x00"}, "NUL"),
        ({"a": "x" * 70_000}, "longer than 65,536"),
    ],
)
def test_what_no_store_could_keep_is_refused(arguments: object, words: str) -> None:
    """The fault names the field and says what is wrong."""
    assert words in faults(arguments=arguments)["target.arguments"]


def test_a_name_too_long_for_a_queue_is_refused() -> None:
    """AMQP counts bytes, so a short name in another script may be too long."""
    assert defined("x" * 200).name
    assert str(LONGEST_QUEUED_NAME) in faults("ж" * 116)["name"]


def test_without_a_broker_no_job_for_workers_is_saved() -> None:
    """The fault names the field and the settings; with a broker the same job is taken."""
    alone, clustered = Driver(permitted=HERMIT), Driver()
    for driver in (alone, clustered):
        driver.take_over()
    command = create(target={"kind": "message"})

    refused = alone.ask(command)

    assert refused.status is ResultStatus.INVALID
    (fault,) = refused.faults
    assert (fault.field, "RABBITMQ_URL" in fault.message) == ("target.kind", True)
    assert clustered.ask(command).status is ResultStatus.CREATED
