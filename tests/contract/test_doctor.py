"""``solocron doctor``, on real servers and where there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.sqlite import SqliteStore
from executor.cli import main
from executor.config.variables import VARIABLES


def doctor(status: int, **environ: str) -> dict[str, dict[str, Any]]:
    """Run the command with these variables and none of our own; return the findings."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    nowhere = {"SOLOCRON_URL": "http://127.0.0.1:9"}
    result = CliRunner().invoke(main, ["doctor", "--json"], env={**ours, **nowhere, **environ})
    assert result.exit_code == status, result.output
    return {one["check"]: one for one in json.loads(result.stdout)}


def test_a_cluster_that_nobody_executes_is_examined(
    rabbitmq_url: str, mongodb_database_uri: str, queue_prefix: str
) -> None:
    """What is there is well, what is missing has a fix, and nothing was made."""
    found = doctor(
        1,
        RABBITMQ_URL=rabbitmq_url,
        MONGODB_URI=mongodb_database_uri,
        SOLOCRON_PREFIX=queue_prefix,
    )

    assert found["MongoDB"]["verdict"] == "ok"
    assert found["clock and MongoDB"]["verdict"] == "ok"
    assert found["replica set"]["verdict"] == "warning"
    assert found["publishing"]["verdict"] == "ok"
    assert found[f"queue {queue_prefix}.token"]["verdict"] == "warning"
    assert "start an executor" in found[f"queue {queue_prefix}.token"]["fix"]
    assert found["executor"]["message"] == "nobody has ever executed here"
    assert any(check.startswith("RabbitMQ 127.0.0.1") for check in found)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        channel = connection.channel()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            channel.queue_declare(f"{queue_prefix}.token", passive=True)


def test_a_queue_with_other_properties_is_found(
    rabbitmq_url: str, tmp_path: Path, mongodb_database_uri: str, queue_prefix: str
) -> None:
    """And so is a token that nobody waits for."""
    right, wrong = Queues(queue_prefix), Queues(queue_prefix, "quorum")
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        channel = connection.channel()
        for queue, arguments in (
            (right.token, right.arguments(right.token)),
            (right.commands, wrong.arguments(wrong.commands)),
        ):
            channel.queue_declare(queue, durable=True, arguments=arguments)
        found = doctor(
            1,
            RABBITMQ_URL=rabbitmq_url,
            MONGODB_URI=mongodb_database_uri,
            SOLOCRON_PREFIX=queue_prefix,
        )
        for queue in (right.token, right.commands):
            channel.queue_delete(queue)

    assert found[f"queue {right.token}"]["verdict"] == "fault"
    assert "no executor waits" in found[f"queue {right.token}"]["message"]
    assert found[f"queue {right.commands}"]["verdict"] == "warning"
    assert "SOLOCRON_QUEUE_TYPE" in found[f"queue {right.commands}"]["fix"]


def test_it_works_when_everything_is_down(free_port: int) -> None:
    """Each thing that is away is a finding with a fix."""
    found = doctor(
        1,
        RABBITMQ_URL=f"amqp://127.0.0.1:{free_port}",
        MONGODB_URI=f"mongodb://127.0.0.1:{free_port}",
    )

    assert found["MongoDB"]["verdict"] == "fault"
    assert "Topology" not in found["MongoDB"]["message"]
    assert found[f"RabbitMQ 127.0.0.1:{free_port}"]["verdict"] == "fault"
    assert found["executor"]["verdict"] == "unknown"
    assert found["web at http://127.0.0.1:9"]["verdict"] == "fault"
    assert all(one["fix"] for one in found.values())


def test_a_data_folder_is_examined(tmp_path: Path) -> None:
    """Its place, its room, its database; and nothing is made where there is nothing."""
    folder, nothing = tmp_path / "data", tmp_path / "nothing"
    folder.mkdir(mode=0o700)
    store = SqliteStore(folder / "solocron.db")
    store.prepare()
    store.mint_term("gone", "2026a")
    store.close()

    there = doctor(1, SOLOCRON_DATA=str(folder))
    missing = doctor(1, SOLOCRON_DATA=str(nothing))

    assert there["database solocron.db"]["verdict"] == "ok"
    assert "gone" in there["executor"]["message"]
    assert missing[f"data folder {nothing}"]["verdict"] == "warning"
    assert not nothing.exists()


def test_a_damaged_database_is_a_fault(tmp_path: Path) -> None:
    """It is told before the service trips over it."""
    (tmp_path / "solocron.db").write_bytes(b"no database at all" * 1000)

    found = doctor(1, SOLOCRON_DATA=str(tmp_path))

    assert "is damaged" in found["database solocron.db"]["message"]


def test_settings_that_cannot_be_used_are_no_findings() -> None:
    """Status 2, as of every command that needs them."""
    result = CliRunner().invoke(main, ["doctor"], env={"PORT": "x"})

    assert result.exit_code == 2
    assert "PORT" in result.stderr


def test_findings_are_shown_with_their_fixes(tmp_path: Path) -> None:
    """In a table, and counted."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    environ = {**ours, "SOLOCRON_URL": "http://127.0.0.1:9", "SOLOCRON_DATA": str(tmp_path)}
    result = CliRunner().invoke(main, ["doctor"], env=environ)

    assert result.stdout.splitlines()[0].split() == ["CHECK", "VERDICT", "FOUND"]
    assert "-> start it: solocron serve" in result.stdout
    assert "fault" in result.stdout.splitlines()[-1]
