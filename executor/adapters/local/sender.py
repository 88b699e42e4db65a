"""Web's end of the local command queue: a row for each command, and a look for its result.

The row is on the disk before anybody is told that the command was accepted.  The executor
writes the result into the row; the sender looks for it, often at first, because most
commands are answered within a few milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from executor.adapters.local.bell import ring
from executor.adapters.local.token import is_token_held
from executor.adapters.sqlite import schema
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.data_folder import DATABASE
from executor.domain.command import Command, CommandResult, decode_result, encode_command
from executor.domain.errors import BrokerUnavailable, InvalidCommand, NoExecutor, SchemaTooNew

#: First and longest pause between two looks for the result, seconds, and their growth.  A look
#: takes 30 microseconds: a sender that waits long costs a fiftieth of a percent of a processor.
_FIRST_LOOK_S, _LONGEST_LOOK_S, _GROWTH = 0.0005, 0.02, 1.3

#: Seconds between two looks for somebody who executes.
_HOLDER_EVERY_S: Final = 0.02


class LocalSender:
    """Implements :class:`~executor.ports.broker.CommandSender`."""

    def __init__(self, folder: Path) -> None:
        """Send to the queue in *folder*.

        Raises:
            ConfigError: the folder lies on a network file system, or cannot be used.
        """
        self._folder = folder
        self._database = Database(folder / DATABASE, BrokerUnavailable)
        self._is_prepared = False

    def send(self, command: Command, timeout_s: float) -> CommandResult | None:
        """Send *command* and wait for its answer; None: accepted, not answered in time.

        A command that is on the queue already, under the same id with the same request, is not
        put there again; its answer is waited for.
        """
        return self.send_all([command], timeout_s)[0]

    def send_all(self, commands: Sequence[Command], timeout_s: float) -> list[CommandResult | None]:
        """Send *commands* in one write of the queue, and wait for their answers."""
        deadline = time.monotonic() + timeout_s
        self._await_holder(deadline)
        numbers = self._put(commands)
        ring(self._folder)
        return [self._await_result(number, deadline) for number in numbers]

    def post(self, command: Command, timeout_s: float) -> None:
        """Put *command* on the queue; a write takes no longer than the database lets it."""
        self._put([command])
        ring(self._folder)

    def token_state(self) -> str:
        """Return ``held``, ``ready``, or ``unknown`` if the folder cannot be looked at."""
        try:
            return "held" if is_token_held(self._folder) else "ready"
        except OSError:
            return "unknown"

    def dead_letters(self) -> int | None:
        """Return 0: there are no workers without a broker."""
        return 0

    def describe(self) -> str:
        """Say ``connected``, or what is wrong with the folder."""
        try:
            is_token_held(self._folder)
            with self._database.read() as connection:
                connection.execute("PRAGMA user_version").fetchone()
        except (OSError, BrokerUnavailable) as error:
            return str(error)
        return "connected"

    def close(self) -> None:
        """Close the connections; no method may be called afterwards."""
        self._database.close()

    def _await_holder(self, deadline: float) -> None:
        try:
            while not is_token_held(self._folder):
                if time.monotonic() >= deadline:
                    raise NoExecutor("no instance is executing at the moment; nothing was sent")
                time.sleep(_HOLDER_EVERY_S)
        except OSError as error:
            raise BrokerUnavailable(f"the lock file cannot be asked: {error}") from error

    def _put(self, commands: Sequence[Command]) -> list[int]:
        """Put *commands* on the queue unless they are there; return their rows' numbers."""
        if not self._is_prepared:
            try:
                schema.prepare(self._database)
            except SchemaTooNew as error:
                raise BrokerUnavailable(str(error)) from error
            self._is_prepared = True
        rows = [(one.id, one.digest, encode_command(one)) for one in commands]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO local_commands (id, digest, body) VALUES (?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                rows,
            )
            found = [
                connection.execute(
                    "SELECT number FROM local_commands "
                    "WHERE id = ? AND digest = ? AND result IS NULL",
                    row[:2],
                ).fetchone()
                for row in rows
            ]
        return [int(number) for (number,) in found]

    def _await_result(self, number: int, deadline: float) -> CommandResult | None:
        pause = _FIRST_LOOK_S
        while (result := self._find_result(number)) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_LOOK_S)
        try:
            return decode_result(result)
        except InvalidCommand:
            # A newer executor's; the durable answer is in the store.
            return None

    def _find_result(self, number: int) -> bytes | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT result FROM local_commands WHERE number = ?", (number,)
            ).fetchone()
        return None if row is None else row[0]
