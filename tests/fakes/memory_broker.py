"""A broker inside the test's process: the law of ``ports/broker.py`` without threads.

Rules
-----
1. Callbacks run on whichever thread caused them, after the call's own effect and
   never while the broker's lock is held; news keep their order.
2. The clock stands still: :meth:`MemoryBroker.elapse` ends the time of those who
   stepped aside.  Only :meth:`MemorySender.send` waits in real time, and only when
   nothing settles its command at once.
3. Commands travel in their wire form, so what does not encode fails here as well.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from executor.domain.command import (
    Command,
    CommandResult,
    decode_command,
    decode_result,
    encode_command,
    encode_result,
)
from executor.domain.errors import BrokerUnavailable, InvalidCommand, NoExecutor
from executor.ports.broker import Delivery, TokenLost, TokenNews, TokenWon


@dataclass(eq=False)
class _Message:
    """One message on the command queue; ``order`` is its place there, ``answer`` its reply."""

    order: int
    body: bytes
    answer: bytes | None = None


class MemoryBroker:
    """One token and one command queue; make their ends with the three ``make`` methods."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.up = True
        self.now_s = 0.0
        self.holder: MemoryToken | None = None
        self.has_token = True
        self.candidates: list[MemoryToken] = []
        self.intakes: list[MemoryIntake] = []
        self._queue: list[_Message] = []
        self._orders = itertools.count()
        self._calls: deque[Callable[[], None]] = deque()
        self._calling = threading.Lock()

    def make_token(self, instance_id: str) -> "MemoryToken":
        """Return one instance's end of the token."""
        return MemoryToken(self, instance_id)

    def make_intake(self) -> "MemoryIntake":
        """Return an executor's end of the command queue."""
        return MemoryIntake(self)

    def make_sender(self) -> "MemorySender":
        """Return web's end of the command queue."""
        return MemorySender(self)

    def elapse(self, seconds: float) -> None:
        """Let *seconds* pass for those who stepped aside."""
        with self.changed:
            self.now_s += seconds
        self.settle_down()

    def break_down(self) -> None:
        """Become unreachable: the holder loses the token, deliveries become void."""
        with self.changed:
            self.up = False
            self.depose("the broker is down")
            for intake in self.intakes:
                self.take_back(intake)
        self.settle_down()

    def recover(self) -> None:
        """Be reachable again, with everything that was there."""
        with self.changed:
            self.up = True
        self.settle_down()

    def lose_token(self) -> None:
        """Make the token vanish, as a purge would; the holder is told."""
        with self.changed:
            self.has_token = False
            self.depose("the token has vanished")
        self.settle_down()

    def put_token(self) -> None:
        """Put the token back, as a watchdog would; a second one is merged."""
        with self.changed:
            self.has_token = True
        self.settle_down()

    def put(self, body: bytes) -> _Message:
        """Append a message to the command queue."""
        with self.changed:
            message = _Message(next(self._orders), body)
            self._queue.append(message)
        self.settle_down()
        return message

    # --- for the ends ------------------------------------------------------------------

    def depose(self, reason: str) -> None:
        """Take the token from its holder, who is told why.  The lock is held."""
        if self.holder is not None:
            self._calls.append(self.holder.telling(TokenLost(reason)))
            self.holder = None

    def take_back(self, intake: "MemoryIntake") -> None:
        """Return what *intake* has not settled to its place in the queue.  The lock is held."""
        self._queue = sorted(
            [*self._queue, *intake.unsettled.values()], key=lambda message: message.order
        )
        intake.unsettled.clear()

    def settle_down(self) -> None:
        """Elect, deliver, wake who waits, then make the calls that are due, in order."""
        with self.changed:
            self._elect()
            self._deliver()
            self.changed.notify_all()
        while self._calls and self._calling.acquire(blocking=False):
            try:
                while self._calls:
                    self._calls.popleft()()
            finally:
                self._calling.release()

    def _elect(self) -> None:
        if not (self.up and self.has_token and self.holder is None):
            return
        ready = [one for one in self.candidates if one.aside_until <= self.now_s]
        if ready:
            self.holder = ready[0]
            self._calls.append(self.holder.telling(TokenWon()))

    def _deliver(self) -> None:
        opened = [intake for intake in self.intakes if intake.is_open]
        if not (self.up and opened):
            return
        for message in self._queue:
            try:
                command = decode_command(message.body)
            except InvalidCommand:
                continue
            delivery = Delivery(object(), command)
            opened[0].unsettled[delivery.tag] = message
            self._calls.append(opened[0].handing(delivery))
        self._queue.clear()


class MemoryToken:
    """One instance's end of the token; see :class:`executor.ports.broker.Token`."""

    def __init__(self, broker: MemoryBroker, instance_id: str) -> None:
        self.instance_id = instance_id
        self.aside_until = 0.0
        self._broker = broker
        self._on_news: Callable[[TokenNews], None] | None = None

    def start(self, on_news: Callable[[TokenNews], None]) -> None:
        """Compete; candidates win in the order in which they started."""
        with self._broker.changed:
            self._on_news = on_news
            self._broker.candidates.append(self)
        self._broker.settle_down()

    def step_aside(self, seconds: float) -> None:
        """Give the token away until the broker's clock has moved *seconds* on."""
        with self._broker.changed:
            self.aside_until = self._broker.now_s + seconds
            if self._broker.holder is self:
                self._broker.depose("stepped aside")
        self._broker.settle_down()

    def describe(self) -> str:
        """Say whether the broker is there."""
        return "connected" if self._broker.up else "the broker is down"

    def stop(self) -> None:
        """Give the token back and hear nothing more; also the way to let a holder die."""
        with self._broker.changed:
            self._on_news = None
            if self in self._broker.candidates:
                self._broker.candidates.remove(self)
            if self._broker.holder is self:
                self._broker.holder = None
        self._broker.settle_down()

    def telling(self, news: TokenNews) -> Callable[[], None]:
        """Return the call that reports *news*, unless stopped in the meantime."""

        def tell() -> None:
            if self._on_news is not None:
                self._on_news(news)

        return tell


class MemoryIntake:
    """The executor's end of the queue; see :class:`executor.ports.broker.CommandIntake`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.is_open = False
        self.unsettled: dict[object, _Message] = {}
        self._broker = broker
        self._on_delivery: Callable[[Delivery], None] | None = None

    def start(self, on_delivery: Callable[[Delivery], None]) -> None:
        """Connect."""
        with self._broker.changed:
            self._on_delivery = on_delivery
            self._broker.intakes.append(self)

    def open(self) -> None:
        """Take all there is and all that comes."""
        with self._broker.changed:
            self.is_open = True
        self._broker.settle_down()

    def close(self) -> None:
        """Give back what is not settled."""
        with self._broker.changed:
            self.is_open = False
            self._broker.take_back(self)
        self._broker.settle_down()

    def reply(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer, unless the tag is void."""
        with self._broker.changed:
            message = self.unsettled.get(delivery.tag)
            if message is not None:
                message.answer = encode_result(result)
        self._broker.settle_down()

    def settle(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer and remove, unless the tag is void."""
        with self._broker.changed:
            message = self.unsettled.pop(delivery.tag, None)
            if message is not None:
                message.answer = encode_result(result)
        self._broker.settle_down()

    def stop(self) -> None:
        """Give everything back and leave; also the way to let an executor die."""
        self.close()
        with self._broker.changed:
            self._on_delivery = None
            if self in self._broker.intakes:
                self._broker.intakes.remove(self)

    def handing(self, delivery: Delivery) -> Callable[[], None]:
        """Return the call that hands *delivery* over, unless it is void in the meantime."""

        def hand() -> None:
            if self._on_delivery is not None and delivery.tag in self.unsettled:
                self._on_delivery(delivery)

        return hand


class MemorySender:
    """Web's end of the queue; see :class:`executor.ports.broker.CommandSender`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def send(self, command: Command, timeout_s: float) -> CommandResult | None:
        """Send and wait in real time."""
        broker, deadline = self._broker, time.monotonic() + timeout_s
        with broker.changed:
            if not broker.changed.wait_for(lambda: broker.up and broker.holder, timeout_s):
                if not broker.up:
                    raise BrokerUnavailable("the broker is down")
                raise NoExecutor("no instance is executing")
        message = broker.put(encode_command(command))
        with broker.changed:
            broker.changed.wait_for(
                lambda: message.answer is not None, max(0.0, deadline - time.monotonic())
            )
        return None if message.answer is None else decode_result(message.answer)

    def send_all(self, commands: Sequence[Command], timeout_s: float) -> list[CommandResult | None]:
        """Send one after another."""
        deadline = time.monotonic() + timeout_s
        return [self.send(one, max(0.0, deadline - time.monotonic())) for one in commands]

    def post(self, command: Command, timeout_s: float) -> None:
        """Leave it on the queue, unless the broker is down."""
        if not self._broker.up:
            raise BrokerUnavailable("the broker is down")
        self._broker.put(encode_command(command))

    def token_state(self) -> str:
        """Tell where the token is."""
        with self._broker.changed:
            if not self._broker.up:
                return "unknown"
            if self._broker.holder is not None:
                return "held"
            return "ready" if self._broker.has_token else "missing"

    def dead_letters(self) -> int | None:
        """Tell that there are none."""
        return 0 if self._broker.up else None

    def describe(self) -> str:
        """Say whether the broker is there."""
        return "connected" if self._broker.up else "the broker is down"

    def close(self) -> None:
        """Nothing to give back."""
