"""What the process of a Python job reports over its channel.

Messages come as ``executor.job_process.runner`` describes them: each is the whole of what is
known, so only the newest is read.  The process runs code that is not ours; whatever it
sends, the worst it can do is to say something wrong about its own run.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from executor.domain.json_value import with_texts
from executor.domain.run import Outcome, Reason, RunState
from executor.jobs import DETAILS_LIMIT

#: Bytes of the longest message: details, and what stands around them.
_LONGEST: Final = DETAILS_LIMIT + 16_384

#: Messages taken in one go before other runs have their turn.
_READS: Final = 64

_END: Final = b"E"

#: State written last by a job that returned -> what kind of success that is.
_REASONS: Final = {
    "warning": Reason.WARNING,
    "skipped": Reason.SKIPPED,
    "no_action_needed": Reason.NO_ACTION_NEEDED,
}

#: How a process ended that nobody ended, beyond what its exit status says.
_WORDLESS: Final = "the process of the job ended without a word of how it went"
_KILLED: Final = "ended by signal SIGKILL: by somebody, or because memory ran out"


class Reports:
    """Our end of one run's channel; see :class:`~executor.adapters.command_target.channel.Channel`.

    Args:
        socket: keeps the borders of messages; ours from now on.
        clear: takes the secrets out of a text.
    """

    def __init__(self, socket: socket.socket, clear: Callable[[str], str]) -> None:
        self._socket = socket
        self._clear = clear
        self._fd = socket.fileno()
        self._newest: bytes | None = None
        self._end: bytes | None = None
        self._details: Mapping[str, Any] | None = None
        socket.setblocking(False)

    @property
    def fd(self) -> int:
        """Readable when there are messages, or nobody left to send any."""
        return self._fd

    def read(self) -> bool:
        """Take what has been sent; return True once nothing can follow."""
        for _ in range(_READS):
            try:
                message = self._socket.recv(_LONGEST)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not message:
                return True
            if message.startswith(_END):
                self._end = message
            else:
                self._newest = message
        return False

    def news(self) -> Mapping[str, Any] | None:
        """Return the newest details, if there are any that were not returned before."""
        if self._newest is None or self._end is not None:
            # What came right before the end is told with it.
            return None
        message, self._newest = self._newest, None
        state, details, _ = self._parsed(message)
        if details is None:
            return None
        self._details = details
        return {"status": state, **details} if state == "preparing" else details

    def judge(self, outcome: Outcome, *, by_itself: bool) -> Outcome:
        """Return *outcome* with the details, and with the end that the job told, if it did."""
        if self._newest is not None:
            _, details, _ = self._parsed(self._newest)
            self._details = details or self._details
        state, details, error = "", None, None
        if self._end is not None:
            state, details, error = self._parsed(self._end)
        told = replace(outcome, details=details or self._details)
        if not by_itself:
            return told
        if outcome.signal is not None:
            killed = outcome.error == "ended by signal SIGKILL"
            return replace(told, error=_KILLED if killed else outcome.error)
        if self._end is None:
            words = _WORDLESS if outcome.error is None else f"{_WORDLESS}: {outcome.error}"
            return replace(told, state=RunState.FAILED, error=words)
        if state == "cancelled":
            return replace(told, state=RunState.CANCELLED, error=None)
        if state == "failed":
            return replace(told, state=RunState.FAILED, error=error or outcome.error)
        if outcome.exit_code:
            # It had returned, and broke at the end of its process.
            return told
        # Whether its exit status is 0 or, because the zygote has died, nobody knows it.
        return replace(
            told, state=RunState.SUCCEEDED, exit_code=0, error=None, reason=_REASONS.get(state)
        )

    def close(self) -> None:
        """Close our end."""
        self._socket.close()

    def _parsed(self, message: bytes) -> tuple[str, Mapping[str, Any] | None, str | None]:
        """Return state, details and error without secrets; nothing of what cannot be read."""
        try:
            document = json.loads(message[1:])
            details, state = document["details"], str(document["of"]["state"])
            error = document["of"]["error"]
            if details is not None:
                details = dict(with_texts(details, self._text, names=True))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return "", None, None
        return state, details, None if error is None else self._text(str(error))

    def _text(self, text: str) -> str:
        # No store takes half of a surrogate pair.
        return self._clear(text).encode("utf-8", "replace").decode()
