"""Connections to the database file, and the two ways to use one: to read or to write.

1. Threads share nothing but this object: each takes a connection for one reading or one
   transaction and gives it back.  A connection that met an error is closed, not reused.
2. Writers, of all threads and processes, wait in :meth:`Database.write` for the one
   write lock of the file; nobody who holds it waits for anything but the disk.
3. Errors of the driver leave here as the error the database was made with.
4. Connections must not pass a ``fork``; none is opened before it is needed.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from executor.adapters.sqlite.data_folder import prepare_folder
from executor.domain.errors import Unavailable

#: Longest wait for the write lock, seconds: far beyond any transaction of ours, so that only
#: a stopped process or a dying disk exceeds it, and short enough to answer "within seconds".
BUSY_TIMEOUT_S: Final = 5.0

#: First and longest pause between two attempts to get the write lock, seconds.  SQLite's own
#: waiting ends at pauses of 100 ms; beside a writer that hardly pauses it would starve.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0002, 0.002

#: Connections kept open while nobody uses them, for each of the two ways.
_KEPT_IDLE: Final = 4

#: Size to which the write-ahead log is cut when it starts anew, bytes.
_LOG_LIMIT: Final = 64 * 1024 * 1024

#: Pages of 4 KB in the write-ahead log at which a writer copies them into the database.  Four
#: times SQLite's default: a batch of runs changes a thousand, many of them the same ones.
_CHECKPOINT_PAGES: Final = 4000

#: What the driver raises for mistakes in our own statements; no later attempt mends them.
_MISTAKES: Final = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)

#: One at a time: closing a second descriptor of a database file would drop the locks that
#: another thread has on it (POSIX locks; sqlite.org/howtocorrupt.html, 2.2).
_creating = threading.Lock()


def now_ms() -> int:
    """Return the store's now, which is this machine's clock: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Database:
    """One database file, as one part of the program uses it.  Safe to call from several threads."""

    def __init__(
        self,
        path: Path,
        failure: type[Unavailable],
        *,
        durable: bool = True,
        checkpoints: bool = True,
        patience_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        """Create the folder and an empty file where they are missing; open nothing.

        Args:
            path: The file.
            failure: What errors of the driver become.
            durable: Writes return when they are on the disk.  Otherwise a power cut may take
                the latest ones back, never a part of one; a crash of the process does not.
            checkpoints: Some writes stay longer to copy the log into the database (some 50 ms).
            patience_s: Longest wait for others who lock the file.

        Raises:
            ConfigError: the folder cannot be used.
        """
        self._path, self._failure = path, failure
        self._durable, self._checkpoints, self._patience_s = durable, checkpoints, patience_s
        self._readers = _Idle(self._open_reader)
        self._writers = _Idle(self._open_writer)
        prepare_folder(path.parent)
        with self._translating(), _creating, suppress(FileExistsError):
            path.touch(mode=0o600, exist_ok=False)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that cannot write.

        Fetch all rows: a statement left open keeps the log from starting anew.
        """
        with self._translating(), self._readers.lend() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for one transaction: committed at the end, rolled back on any error."""
        with self._translating(), self._writers.lend() as connection:
            self._execute_when_free(connection, "BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def keep_log(self) -> None:
        """Put the file into WAL mode, in which it stays for good."""
        with self._translating(), self._writers.lend() as connection:
            statement = "PRAGMA journal_mode = WAL"
            (mode,) = self._execute_when_free(connection, statement).fetchone()
            if mode != "wal":
                raise sqlite3.OperationalError(
                    f"{self._path} cannot be used in WAL mode, only {mode}"
                )

    def close(self) -> None:
        """Close every connection, those in use when they are given back."""
        self._readers.close()
        self._writers.close()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except _MISTAKES:
            raise
        except (sqlite3.Error, OSError) as error:
            raise self._failure(f"the database {self._path} failed: {error}") from error

    def _execute_when_free(self, connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
        """Execute *statement* as soon as nobody else locks the file."""
        deadline = time.monotonic() + self._patience_s
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return connection.execute(statement)
            except sqlite3.OperationalError as error:
                # The low byte is the primary code; BUSY has several finer ones.
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _open_reader(self) -> sqlite3.Connection:
        return self._open("query_only = ON")

    def _open_writer(self) -> sqlite3.Connection:
        return self._open(
            f"synchronous = {'FULL' if self._durable else 'NORMAL'}",
            f"journal_size_limit = {_LOG_LIMIT}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES if self._checkpoints else 0}",
            "cache_size = -16000",
            # From here on waiting is up to _execute_when_free.
            "busy_timeout = 0",
        )

    def _open(self, *settings: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for setting in settings:
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection


class _Idle:
    """Connections that nobody uses at the moment; the one used last is lent first."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open_connection = open_connection
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._open_connection()
        try:
            yield connection
        except (sqlite3.Error, OSError):
            connection.close()
            raise
        except BaseException:
            self._give_back(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _KEPT_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
