"""The executor's end of the local command queue.

One thread owns everything; the methods only leave word for it.  A command is on the queue
until its row has a result, so one that was delivered and not settled is simply found again
after :meth:`LocalIntake.open`, by whoever opens.

Results are written without waiting for the disk: should a power cut take one back, the
command comes again and the executor, who remembers it, answers the same.
"""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from executor.adapters.inbox import Inbox
from executor.adapters.local.bell import Listening
from executor.adapters.sqlite import schema
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.data_folder import DATABASE
from executor.domain.command import (
    Command,
    CommandResult,
    decode_command,
    encode_result,
)
from executor.domain.errors import BrokerUnavailable, InvalidCommand, SchemaTooNew
from executor.ports.broker import Delivery

logger = logging.getLogger(__name__)

#: Longest time between two looks at the queue, seconds, should a ring of the bell go unheard.
_LOOK_EVERY_S: Final = 1.0

#: Seconds until the next attempt when the database did not answer.
_RETRY_S: Final = 0.1

#: Commands read at once.
_BATCH: Final = 20

#: How long the row of a settled command stays, milliseconds: its sender looks for the result
#: every few milliseconds, so a minute is ample.
_SETTLED_KEPT_MS: Final = 60_000

#: Longest wait for the thread to follow an order, seconds.
_OBEY_WITHIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Tag:
    """Which row, and during which opening it was delivered: afterwards the tag is void."""

    number: int
    opening: int


@dataclass(frozen=True, slots=True)
class _Settled:
    tag: _Tag
    result: CommandResult


@dataclass(frozen=True, slots=True)
class _Order:
    """To take commands or none, or to end; ``obeyed`` is set when it is in force."""

    taking: bool = False
    ending: bool = False
    obeyed: threading.Event = field(default_factory=threading.Event)


class LocalIntake:
    """Implements :class:`~executor.ports.broker.CommandIntake`."""

    def __init__(self, folder: Path) -> None:
        """Take commands, once started and opened, from the queue in *folder*.

        Raises:
            ConfigError: the folder lies on a network file system, or cannot be used.
        """
        self._folder = folder
        self._database = Database(folder / DATABASE, BrokerUnavailable, durable=False)
        self._inbox: Inbox[_Settled | _Order] = Inbox()
        self._thread: threading.Thread | None = None
        self._bell: Listening | None = None
        self._ending = False
        self._is_taking = False
        self._opening = 0
        self._is_prepared = False
        self._last_delivered = 0
        self._answers: list[tuple[bytes, int]] = []

    def start(self, on_delivery: Callable[[Delivery], None]) -> None:
        """Start the thread; nothing is delivered before :meth:`open`."""
        self._thread = threading.Thread(
            target=self._run, args=(on_delivery,), name="intake", daemon=True
        )
        self._thread.start()

    def open(self) -> None:
        """Take commands, in the order sent, from now on."""
        self._inbox.put(_Order(taking=True))

    def close(self) -> None:
        """Take no more; returns when nothing will be delivered any more."""
        self._command(_Order())

    def reply(self, delivery: Delivery, result: CommandResult) -> None:
        """Do nothing: the answer and the settlement are one write."""

    def settle(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer the sender, if it still waits, and remove the command from the queue."""
        assert isinstance(delivery.tag, _Tag)
        self._inbox.put(_Settled(delivery.tag, result))

    def stop(self) -> None:
        """Close and end."""
        self._command(_Order(ending=True))
        if self._thread is None:
            self._release()

    def _command(self, order: _Order) -> None:
        self._inbox.put(order)
        if self._thread is None or self._thread is threading.current_thread():
            return
        if self._thread.is_alive():
            order.obeyed.wait(_OBEY_WITHIN_S)
        if order.ending:
            self._thread.join(_OBEY_WITHIN_S)

    def _run(self, on_delivery: Callable[[Delivery], None]) -> None:
        pause_s: float | None = None
        try:
            while not self._ending:
                self._sleep(pause_s)
                try:
                    pause_s = self._turn(on_delivery)
                except Exception:
                    # The top of a thread: one mistake must not end the taking of commands.
                    logger.exception("the intake failed", extra={"action": "intake_failed"})
                    pause_s = _LOOK_EVERY_S
        finally:
            self._release()

    def _sleep(self, seconds: float | None) -> None:
        """Wait for word in the inbox, for the bell, or *seconds* (None: for ever)."""
        poll = select.poll()
        poll.register(self._inbox.fd, select.POLLIN)
        if self._bell is not None:
            poll.register(self._bell.fd, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)

    def _turn(self, on_delivery: Callable[[Delivery], None]) -> float | None:
        """Do what is to be done now; return for how many seconds to sleep at most."""
        if self._bell is not None:
            # Before the look at the queue: who rings during it has to be heard.
            self._bell.hush()
        orders = self._read_inbox()
        try:
            self._write_answers()
            if self._is_taking:
                self._deliver(on_delivery)
        except (BrokerUnavailable, SchemaTooNew) as error:
            logger.warning(
                "the command queue does not answer",
                extra={"action": "queue_trouble", "error": str(error)},
            )
            return _RETRY_S
        finally:
            for order in orders:
                order.obeyed.set()
        return _LOOK_EVERY_S if self._is_taking else None

    def _read_inbox(self) -> list[_Order]:
        orders = []
        for message in self._inbox.take():
            if isinstance(message, _Order):
                self._obey(message)
                orders.append(message)
            elif self._is_taking and message.tag.opening == self._opening:
                self._answers.append((encode_result(message.result), message.tag.number))
        return orders

    def _obey(self, order: _Order) -> None:
        self._ending = self._ending or order.ending
        if order.taking is self._is_taking:
            return
        self._is_taking = order.taking
        if order.taking:
            self._opening += 1
            self._last_delivered = 0
            try:
                self._bell = Listening(self._folder)
            except OSError as error:
                logger.warning(
                    "no bell: commands may wait a second",
                    extra={"action": "no_bell", "error": str(error)},
                )
        elif self._bell is not None:
            self._bell.close()
            self._bell = None

    def _deliver(self, on_delivery: Callable[[Delivery], None]) -> None:
        """Hand over every command that was not delivered during this opening."""
        if not self._is_prepared:
            schema.prepare(self._database)
            self._is_prepared = True
        while rows := self._read_queue():
            for number, body in rows:
                self._last_delivered = number
                command = self._decoded(number, body)
                if command is not None:
                    on_delivery(Delivery(_Tag(number, self._opening), command))

    def _read_queue(self) -> list[tuple[int, bytes]]:
        with self._database.read() as connection:
            return connection.execute(
                "SELECT number, body FROM local_commands WHERE number > ? AND result IS NULL "
                "ORDER BY number LIMIT ?",
                (self._last_delivered, _BATCH),
            ).fetchall()

    def _decoded(self, number: int, body: bytes) -> Command | None:
        """Return the command, or remove the row if it is none."""
        try:
            return decode_command(body)
        except InvalidCommand as error:
            logger.error(
                "a message that is no command",
                extra={"action": "message_removed", "error": str(error)},
            )
        with self._database.write() as connection:
            connection.execute("DELETE FROM local_commands WHERE number = ?", (number,))
        return None

    def _write_answers(self) -> None:
        if not self._answers:
            return
        now = now_ms()
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE local_commands SET result = ?, settled_at = ? "
                "WHERE number = ? AND result IS NULL",
                [(result, now, number) for result, number in self._answers],
            )
            connection.execute(
                "DELETE FROM local_commands WHERE settled_at < ?", (now - _SETTLED_KEPT_MS,)
            )
        self._answers = []

    def _release(self) -> None:
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        self._inbox.close()
        self._database.close()
