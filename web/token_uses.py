"""When API tokens are used: noted coarsely, told to the executor at most once a minute.

What is not told because nobody executes is told the next time, or never: it is for people who
wonder whether a token is still needed.
"""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from typing import Final

from executor.domain.access import Caller
from executor.domain.command import Command, CommandKind
from executor.domain.errors import SolocronError
from executor.domain.instant import to_text
from web.known_tokens import KnownTokens
from web.services import Services

#: How old what is stored may be.
EVERY: Final = timedelta(minutes=1)

#: Seconds that the request that happens to tell of the uses waits for the executor: one a minute.
PATIENCE_S: Final = 0.5


class TokenUses:
    """Collects uses and sends them; any thread may note one."""

    def __init__(self, services: Services, tokens: KnownTokens) -> None:
        self._sender, self._tokens = services.sender, tokens
        self._lock = threading.Lock()
        self._uses: dict[str, datetime] = {}
        self._sent_at: datetime | None = None

    def note(self, name: str, caller: Caller, now: datetime) -> None:
        """Note that the token was used *now*."""
        stored = self._tokens.used_at(name)
        if stored is not None and now - stored < EVERY:
            return
        with self._lock:
            self._uses[name] = now
            if self._sent_at is not None and timedelta(0) <= now - self._sent_at < EVERY:
                return
            self._sent_at = now
            uses, self._uses = self._uses, {}
        self._send(uses, caller, now)

    def _send(self, uses: dict[str, datetime], caller: Caller, now: datetime) -> None:
        command = Command(
            id=uuid.uuid4().hex,
            kind=CommandKind.USE_TOKENS,
            subject="",
            arguments={"uses": {name: to_text(at) for name, at in uses.items()}},
            sent_at=now,
            repeatable=False,
            actor=caller.actor,
            address=caller.address,
        )
        try:
            self._sender.send(command, PATIENCE_S)
        except SolocronError:
            # Of no use to the request at hand, which must not fail because of it.
            with self._lock:
                self._uses = {**uses, **self._uses}
