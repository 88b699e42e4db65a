"""An instance lives and dies as a whole, whichever of its processes is killed, and how."""

from __future__ import annotations

import re
import signal
import socket
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.failover.served import PATIENCE_S, Served, alive
from tests.waiting import eventually

#: A command that runs until it is ended, in two processes.
LONG = "sh -c 'sleep 4321 & wait'"


def test_kill_9_of_serve_leaves_nothing_behind(tmp_path: Path) -> None:
    """Both children end, the running command ends, and the port is free."""
    with Served(tmp_path) as instance:
        instance.await_executing().run_command(LONG)
        command = instance.find("sleep", "4321")

        instance.process.kill()

        instance.await_end()
        instance.await_nothing_left()
        assert not alive(command)
        eventually(lambda: _is_free(instance.port), 5, "the port is free")


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def test_kill_9_of_the_executor_ends_the_instance_and_its_commands(tmp_path: Path) -> None:
    """The exit status is not zero, web is gone, and no orphaned command runs on."""
    with Served(tmp_path) as instance:
        instance.await_executing().run_command(LONG)
        command = instance.find("sleep", "4321")

        instance.find("executor").kill()

        assert instance.await_end() != 0
        assert not alive(command)
        assert instance.descendants() == []
        assert "killed by SIGKILL" in instance.log


def test_an_orphan_that_left_its_group_is_killed_too(tmp_path: Path) -> None:
    """A command that made itself a daemon does not outlive the instance."""
    with Served(tmp_path) as instance:
        instance.await_executing().run_command("setsid sleep 4321")
        daemon = instance.find("sleep", "4321")

        instance.find("executor").kill()

        assert instance.await_end() != 0
        assert not alive(daemon)


def test_kill_9_of_web_ends_the_instance(tmp_path: Path) -> None:
    """The executor stops in order, and the exit status is not zero."""
    with Served(tmp_path) as instance:
        instance.await_executing()
        instance.descendants()

        instance.find("web").kill()

        assert instance.await_end() != 0
        assert instance.descendants() == []
        assert re.search(r"process ended +child=executor status=\"exit 0\"", instance.log)


def test_a_killed_web_worker_is_replaced(tmp_path: Path) -> None:
    """The process that answers requests is not the one that is supervised: it just comes again."""
    with Served(tmp_path) as instance:
        instance.await_executing()
        worker = instance.find("web").children()[0]

        worker.kill()

        eventually(
            lambda: instance.request("GET", "/healthz")[0] == HTTPStatus.OK,
            PATIENCE_S,
            "requests are answered",
            ignoring=(OSError,),
        )
        assert instance.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_is_clean(tmp_path: Path, number: signal.Signals) -> None:
    """Everything ends within the grace period, and the exit status is 0."""
    with Served(tmp_path) as instance:
        instance.await_executing()

        instance.process.send_signal(number)

        assert instance.await_end() == 0, instance.log
        assert instance.descendants() == []


def test_a_stop_during_the_start_is_clean(tmp_path: Path) -> None:
    """Stopped before its children can have installed anything, an instance obeys all the same."""
    with Served(tmp_path) as instance:
        eventually(lambda: "child=web" in instance.log, PATIENCE_S, "both are started")

        instance.process.terminate()

        assert instance.await_end() == 0, instance.log
        assert instance.descendants() == []


def test_a_stop_cancels_what_outlasts_the_grace_period(tmp_path: Path) -> None:
    """The command is ended, the run is recorded, and the exit status is still 0."""
    with Served(tmp_path, settings={"SOLOCRON_GRACE": "0.5"}) as instance:
        instance.await_executing().run_command(LONG)
        command = instance.find("sleep", "4321")

        instance.process.terminate()

        assert instance.await_end() == 0, instance.log
        assert not alive(command)


@pytest.mark.parametrize("command", ["web", "executor"])
def test_the_halves_run_apart_and_stop_cleanly(tmp_path: Path, command: str) -> None:
    """``solocron web`` and ``solocron executor`` need no parent that supervises them."""
    with Served(tmp_path, command) as half:
        if command == "web":
            eventually(
                lambda: half.request("GET", "/healthz")[0] == HTTPStatus.OK,
                PATIENCE_S,
                "web answers",
                ignoring=(OSError,),
            )
        else:
            eventually(lambda: "this instance executes" in half.log, PATIENCE_S, "it executes")

        half.process.terminate()

        assert half.await_end() == 0, half.log
        assert half.descendants() == []


def test_an_installed_script_starts_its_halves_by_itself(tmp_path: Path) -> None:
    """The script of a package, with flags for Python, works like ``python -m``."""
    script = tmp_path / "solocron"
    script.write_text("from executor.cli import main\nmain()\n", encoding="utf-8")
    with Served(tmp_path, program=("-X", "utf8", "-P", str(script))) as instance:
        instance.await_executing()

        assert instance.find("executor").cmdline()[1:5] == ["-X", "utf8", "-P", str(script)]


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_in_use_is_said_in_one_line_before_anything_starts(
    tmp_path: Path, command: str
) -> None:
    """Exit status 2; the fault names the variable to change; no child was started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with Served(tmp_path, command, {"PORT": port}) as instance:
            assert instance.await_end() == 2

            assert f"PORT  {port} is in use on 127.0.0.1" in instance.log
            assert "process started" not in instance.log
            assert "Traceback" not in instance.log


def test_all_faulty_settings_are_shown_and_nothing_starts(tmp_path: Path) -> None:
    """Exit status 2, one line for each fault."""
    with Served(tmp_path, settings={"SOLOCRON_GRACE": "soon", "SOLOCRON_LOGS": "json"}) as instance:
        assert instance.await_end() == 2

        first, *lines = instance.log.splitlines()
        assert first == "solocron: these settings cannot be used"
        assert [line.split()[0] for line in lines] == ["SOLOCRON_GRACE", "SOLOCRON_LOGS"]


def test_a_data_folder_that_cannot_be_used_ends_the_instance(tmp_path: Path) -> None:
    """What only a child can find out ends the whole with the child's words and its status."""
    (tmp_path / "data").touch()
    with Served(tmp_path) as instance:
        assert instance.await_end() != 0

        assert "SOLOCRON_DATA" in instance.log
        assert "Traceback" not in instance.log
        assert instance.descendants() == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"GET /{'x' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n", "414"),
        (f"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {'x' * 9000}\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 150 + "\r\n", "431"),
    ],
)
def test_oversized_requests_are_refused(tmp_path: Path, head: str, status: str) -> None:
    """A request line or header beyond the limits is the client's fault and costs one answer."""
    with Served(tmp_path) as instance:
        eventually(
            lambda: instance.request("GET", "/healthz")[0] == HTTPStatus.OK,
            PATIENCE_S,
            "web answers",
            ignoring=(OSError,),
        )

        with socket.create_connection(("127.0.0.1", instance.port), timeout=10) as connection:
            connection.sendall(head.encode())
            answer = connection.recv(100).decode()

        assert answer.split()[1] == status
