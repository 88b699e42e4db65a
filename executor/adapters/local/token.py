"""The token as a lock on a file: whoever holds the lock has the token.

The lock cannot be lost while its holder lives, so the only loss is one on purpose, or by
somebody who removes the file.  Standbys try again every few milliseconds instead of waiting
in the kernel, because that wait could not be ended by :meth:`LocalToken.stop`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from executor.adapters.local.lock import HeldLock, is_locked, try_lock
from executor.adapters.sqlite.data_folder import prepare_folder
from executor.ports.broker import TokenLost, TokenNews, TokenWon

logger = logging.getLogger(__name__)

#: The lock file's name in the data folder.
_NAME: Final = "token.lock"

#: Seconds between two attempts of a standby: half of it is what a takeover waits on average,
#: and fifty attempts in a second take a thousandth of a processor.
_ATTEMPT_EVERY_S: Final = 0.02

#: Seconds between two checks that the locked file is still in its place, and between two
#: attempts when there is something wrong with the folder.
_CHECK_EVERY_S: Final = 1.0

#: Longest wait for the thread in :meth:`LocalToken.stop`, seconds, as the port promises.
_STOP_WITHIN_S: Final = 2.0


class LocalToken:
    """Implements :class:`~executor.ports.broker.Token`; news come on a thread of its own."""

    def __init__(self, folder: Path, instance_id: str) -> None:
        """Compete, once started, for the lock in *folder*; the holder signs it *instance_id*.

        Raises:
            ConfigError: the folder lies on a network file system, or cannot be used.
        """
        prepare_folder(folder)
        self._path = folder / _NAME
        self._instance_id = instance_id
        self._lock: HeldLock | None = None
        self._aside_until = 0.0
        self._yielding = False
        self._trouble = ""
        self._stopping = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_news: Callable[[TokenNews], None]) -> None:
        """Begin to compete."""
        self._thread = threading.Thread(
            target=self._run, args=(on_news,), name="token", daemon=True
        )
        self._thread.start()

    def step_aside(self, seconds: float) -> None:
        """Give the token away, if held, and do not compete for *seconds*."""
        self._aside_until = time.monotonic() + seconds
        self._yielding = True
        self._wake.set()

    def describe(self) -> str:
        """Say ``connected``, or what is wrong with the folder."""
        return self._trouble or "connected"

    def stop(self) -> None:
        """Let go of the lock and end; returns when that is done."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN_S)

    def _run(self, on_news: Callable[[TokenNews], None]) -> None:
        try:
            while not self._stopping:
                self._wake.wait(self._step(on_news))
                self._wake.clear()
        finally:
            if self._lock is not None:
                self._lock.release()

    def _step(self, on_news: Callable[[TokenNews], None]) -> float:
        """Do what is to be done now; return after how many seconds to look again."""
        try:
            seconds = self._compete(on_news) if self._lock is None else self._hold(on_news)
        except OSError as error:
            if not self._trouble:
                logger.warning(
                    "the token's lock file cannot be used",
                    extra={"action": "token_trouble", "error": str(error)},
                )
            self._trouble = str(error)
            return _CHECK_EVERY_S
        self._trouble = ""
        return seconds

    def _compete(self, on_news: Callable[[TokenNews], None]) -> float:
        aside_s = self._aside_until - time.monotonic()
        if aside_s > 0:
            return aside_s
        lock = try_lock(self._path)
        if lock is None:
            return _ATTEMPT_EVERY_S
        if self._aside_until > time.monotonic():
            # Asked in the very moment in which the lock was taken.
            lock.release()
            return 0
        self._yielding = False
        self._lock = lock
        lock.sign(self._instance_id)
        on_news(TokenWon())
        return _CHECK_EVERY_S

    def _hold(self, on_news: Callable[[TokenNews], None]) -> float:
        assert self._lock is not None
        if self._yielding:
            # However long ago it was asked: this process may have stood still since.
            self._yielding = False
            reason = "stepped aside"
        elif not self._lock.is_in_place():
            reason = f"{self._path} was removed or replaced"
        else:
            return _CHECK_EVERY_S
        lock, self._lock = self._lock, None
        lock.release()
        on_news(TokenLost(reason))
        return 0


def is_token_held(folder: Path) -> bool:
    """Return whether somebody holds the token; asking disturbs nobody.

    Raises:
        OSError: it cannot be told.
    """
    return is_locked(folder / _NAME)
