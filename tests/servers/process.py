"""Processes that tests start: none of them outlives the test run.

Words
-----
ready
    The server accepts connections and has answered a request of its own
    protocol.  ``start`` returns only then.
stop
    Asks the server to end (SIGTERM) and waits until it has.
kill
    Ends it without a word (SIGKILL), as a power cut would.
wipe
    Throws its data away; what starts next is a new server at the same address.
"""

import functools
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.servers import launcher
from tests.servers.reservation import Folder, Reservation, reserve_port
from tests.waiting import POLL_S, eventually

#: Seconds a server may take to become ready, on a busy machine with two cores.
START_TIMEOUT_S = 90.0

#: Seconds a server may take to end after it was asked to.
STOP_TIMEOUT_S = 60.0


#: Where a process writes: a file, ``subprocess.PIPE``, or None for where we do.
Output = int | IO[bytes] | None


class ServerMissingError(Exception):
    """A program that the tests need is not on this machine; says which and what to do."""


class ServerFailedError(Exception):
    """A server ended or did not answer in time; carries the end of its log."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.name = name
        self.log = log
        super().__init__(f"{name} {what}; the end of its log {log}:\n{_tail(log)}")


def _tail(log: Path, lines: int = 30) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class _Spawner:
    """The one thread that starts processes.

    The kernel kills a tied process when the *thread* that started it ends, so
    it must be one that lives as long as this process does.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[
            tuple[Future[subprocess.Popen[bytes]], list[str], Mapping[str, str] | None, Output]
        ] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="spawner", daemon=True).start()

    def _run(self) -> None:
        while True:
            result, argv, env, output = self._orders.get()
            try:
                process = subprocess.Popen(
                    argv,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=None if output is None else subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                result.set_exception(error)
            else:
                result.set_result(process)

    def spawn(
        self, argv: list[str], env: Mapping[str, str] | None, output: Output
    ) -> subprocess.Popen[bytes]:
        result: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((result, argv, env, output))
        return result.result()


@functools.cache
def _spawner(_pid: int) -> _Spawner:
    """Return this process's spawner; a forked child has none of its parent's threads."""
    return _Spawner()


def launch(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, output: Output = None
) -> subprocess.Popen[bytes]:
    """Start a process that the kernel kills when this process ends, however it ends.

    Args:
        argv: The program and its arguments; the process id stays the program's.
        env: Its whole environment; ours when None.
        output: Where both its outputs go: a file, ``subprocess.PIPE``, or None for ours.
    """
    tied = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), *argv]
    return _spawner(os.getpid()).spawn(tied, env, output)


def accepts(host: str, port: int) -> bool:
    """Tell whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill *process* if it still runs, and reap it."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


class Server(ABC):
    """One server process: its port, its data folder and its log.

    A context manager: entering starts it, leaving kills it and removes its data.

    Args:
        name: What it is, for messages, folders and logs.
        bind: The address it listens on; ``0.0.0.0`` when it has to be reached
            from a :class:`~tests.servers.namespace.Namespace`.
        host: The address that its URL names; *bind*, or 127.0.0.1 for ``0.0.0.0``.
    """

    def __init__(self, name: str, *, bind: str = "127.0.0.1", host: str | None = None) -> None:
        self.name = name
        self.bind = bind
        self.host = host or ("127.0.0.1" if bind == "0.0.0.0" else bind)
        self._ports: list[Reservation] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Folder(name)
        self.port = self.reserve_port()
        self.log = self._folder.path / "log"
        self.data = self._folder.path / "data"
        self.data.mkdir()

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return the program with its arguments, and its environment."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether it answers a request of its own protocol."""

    def reserve_port(self) -> int:
        """Return one more port that is ours until :meth:`close`."""
        reservation = reserve_port(self.bind)
        self._ports.append(reservation)
        return reservation.number

    @property
    def pid(self) -> int:
        """The process id; asking a server that does not run is a mistake in the test."""
        if self._process is None or self._process.poll() is not None:
            raise ServerFailedError(self.name, "does not run", self.log)
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives; it may still be on its way to being ready."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it is ready; nothing happens when it runs already.

        Raises:
            ServerFailedError: It ended, or was not ready in time; it no longer runs.
        """
        if not self.running:
            self.begin()
        self.await_ready()

    def begin(self) -> None:
        """Start the process and do not wait for it."""
        argv, env = self.command()
        with self.log.open("ab") as log:
            self._process = launch(argv, env=env, output=log)

    def await_ready(self) -> None:
        """Wait until a server that was begun is ready."""
        deadline = time.monotonic() + START_TIMEOUT_S
        pause = threading.Event()
        while not (accepts(self.host, self.port) and self.answers()):
            if not self.running:
                raise ServerFailedError(self.name, "ended while it was starting", self.log)
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailedError(
                    self.name, f"was not ready in {START_TIMEOUT_S:g} s", self.log
                )
            pause.wait(POLL_S)

    def stop(self) -> None:
        """End it in order and wait for that; its data stays."""
        process = self._process
        if process is None:
            return
        if self.running:
            process.terminate()
            # A frozen process would not see it.
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailedError(
                self.name, f"did not end in {STOP_TIMEOUT_S:g} s", self.log
            ) from None

    def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone; what was durable stays."""
        if self._process is not None:
            end(self._process)

    def pause(self) -> None:
        """Freeze it with SIGSTOP: connections stay open and nothing answers.

        Returns when every thread stands still: on a busy machine they go on for a while.
        """
        os.kill(self.pid, signal.SIGSTOP)
        wanted = f"{self.name} is frozen"
        eventually(self._stands_still, STOP_TIMEOUT_S, wanted, ignoring=(OSError,))

    def _stands_still(self) -> bool:
        # The state stands behind the name, which may hold anything, in proc_pid_stat(5).
        stats = [task.read_text() for task in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)

    def resume(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop it in order and start it again with its data."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Kill it and throw its data away; it does not run afterwards."""
        self.kill()
        shutil.rmtree(self.data)
        self.data.mkdir()

    def close(self) -> None:
        """Kill it and give back its folder and ports."""
        self.kill()
        self._folder.close()
        for port in self._ports:
            port.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
