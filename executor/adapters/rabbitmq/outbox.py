"""Messages that are published until the broker has confirmed them, however often it goes away.

Words
-----
letter
    A message for a job's exchange, or for the queue of dead letters.
place
    Where a letter goes: the name of a job, or None for the dead letters.

Rules
-----
1. The letters of one place go out in the order in which they were posted; places take turns, so
   that one that is refused by the broker keeps nobody waiting.
2. A place is declared before its first letter in each session, and again when a letter could not
   be routed.
3. A letter is written down when it goes out and not before: what waits takes little memory, and
   whoever posted it may still change his mind.
4. A letter that was on its way when the session ended may have arrived.  It is published again,
   and told so.

Everything here runs on the link's thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.publisher import Fate, Publisher
from executor.adapters.rabbitmq.queues import Queues, ensure
from executor.adapters.rabbitmq.topology import declare_job, exchange_of
from executor.domain.instant import to_text

#: Letters that wait for their confirm at once: enough to keep the broker busy across a slow
#: link, and what is published twice at most when a session ends.
IN_FLIGHT: Final = 256

#: Seconds until a letter is tried again that could not be routed or was refused.
AGAIN_S: Final = 0.5

#: Headers of a dead letter: why it is one, where it came from, and when.
REASON: Final = "x-solocron-reason"
SOURCE: Final = "x-solocron-queue"
AT: Final = "x-solocron-at"


@dataclass(slots=True, eq=False)
class Letter:
    """One message.

    Attributes:
        place: the job, or None for the dead letters.
        key: routing key; of no account for dead letters.
        write: returns the body, or None if the letter is not wanted any more.  Its argument is
            ``repeated``.
        confirmed: called once the broker has it.
        repeated: the broker may have it already.
    """

    place: str | None
    key: str
    write: Callable[[bool], bytes | None]
    confirmed: Callable[[], None] = lambda: None
    headers: dict[str, object] | None = None
    repeated: bool = False


def dead_letter(body: bytes, queue: str, reason: str, at: datetime) -> Letter:
    """Return the letter that lays *body*, of a message of *queue*, among the dead."""
    headers: dict[str, object] = {REASON: reason, SOURCE: queue, AT: to_text(at)}
    return Letter(None, "", write=lambda _repeated: body, headers=headers)


@dataclass(slots=True)
class _Box:
    letters: OrderedDict[Letter, None] = field(default_factory=OrderedDict)
    declared: bool = False
    declaring: bool = False


class Outbox:
    """The letters of one link.

    Attributes:
        link: set once, before anything else happens: each of the two needs the other.
    """

    link: Link

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._connection: Any = None
        self._opening: Publisher | None = None
        self._publisher: Publisher | None = None
        self._boxes: dict[str | None, _Box] = {}
        #: Places that are declared and have letters, in the order of their turns.
        self._turns: OrderedDict[str | None, None] = OrderedDict()
        self._flying: dict[Letter, None] = {}

    @property
    def empty(self) -> bool:
        """Whether everything that was posted is with the broker."""
        return not self._flying and not any(box.letters for box in self._boxes.values())

    @property
    def ready(self) -> bool:
        """Whether a letter that is posted now goes out at once."""
        return self._publisher is not None and not self.link.blocked

    def post(self, letter: Letter) -> None:
        """Send *letter* as soon as that can be."""
        box = self._boxes.setdefault(letter.place, _Box())
        box.letters[letter] = None
        if not box.declared:
            self._declare(letter.place)
        else:
            self._turns.setdefault(letter.place)
        self.pump()

    def remove(self, letter: Letter) -> bool:
        """Forget *letter*; False: it is on its way, or gone."""
        box = self._boxes.get(letter.place)
        if box is None or letter not in box.letters:
            return False
        del box.letters[letter]
        return True

    # --- the session --------------------------------------------------------------------------

    def up(self, connection: Any) -> None:
        """Begin to publish on *connection*."""
        self._connection = connection
        self.link.open_channel(self._on_channel)

    def down(self, _reason: str) -> None:
        """Keep everything that is not confirmed for the next session."""
        self._connection = self._publisher = self._opening = None
        self._turns.clear()
        for letter in reversed(self._flying):
            letter.repeated = True
            _put_first(letter, self._boxes.setdefault(letter.place, _Box()))
        self._flying.clear()
        kept = ((place, box.letters) for place, box in self._boxes.items() if box.letters)
        self._boxes = {place: _Box(letters) for place, letters in kept}

    def _on_channel(self, channel: Any) -> None:
        self._opening = Publisher(self.link, channel, self._on_ready)

    def _on_ready(self) -> None:
        self._publisher = self._opening
        for place in list(self._boxes):
            self._declare(place)

    # --- places -------------------------------------------------------------------------------

    def _declare(self, place: str | None) -> None:
        box = self._boxes.get(place)
        if self._publisher is None or box is None or box.declaring or box.declared:
            return
        box.declaring = True
        then = partial(self._on_declared, place)
        if place is None:
            queues = self._queues
            ensure(self.link, self._connection, queues, queues.dead_letters, then)
        else:
            # If that is refused, each message's own fate tells what can be used.
            declare_job(self.link, self._connection, place, then)

    def _on_declared(self, place: str | None, _answer: object) -> None:
        box = self._boxes[place]
        box.declaring, box.declared = False, True
        if box.letters:
            self._turns[place] = None
        self.pump()

    # --- letters ------------------------------------------------------------------------------

    def pump(self) -> None:
        """Publish what may be published; also called when an alarm is over."""
        while self._turns and self.ready and len(self._flying) < IN_FLIGHT:
            place, _ = self._turns.popitem(last=False)
            box = self._boxes[place]
            if not box.letters:
                continue
            letter, _ = box.letters.popitem(last=False)
            if box.letters:
                self._turns[place] = None
            self._publish(letter)

    def _publish(self, letter: Letter) -> None:
        body = letter.write(letter.repeated)
        if body is None or self._publisher is None:
            return
        self._flying[letter] = None
        dead = letter.place is None
        self._publisher.publish(
            self._queues.dead_letters if dead else letter.key,
            body,
            partial(self._on_fate, letter),
            exchange="" if letter.place is None else exchange_of(letter.place),
            durable=True,
            content_type=None if dead else "application/json",
            headers=letter.headers,
        )

    def _on_fate(self, letter: Letter, fate: Fate) -> None:
        del self._flying[letter]
        if fate is Fate.TAKEN:
            letter.confirmed()
        else:
            self._put_back(letter)
        self.pump()

    def _put_back(self, letter: Letter) -> None:
        """Keep what the broker has certainly not taken; the place may have lost its queues."""
        box = self._boxes[letter.place]
        _put_first(letter, box)
        if box.declared:
            box.declared = False
            self._turns.pop(letter.place, None)
            self.link.later(AGAIN_S, partial(self._declare, letter.place))


def _put_first(letter: Letter, box: _Box) -> None:
    box.letters[letter] = None
    box.letters.move_to_end(letter, last=False)
