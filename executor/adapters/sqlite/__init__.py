"""The embedded store: one SQLite file in the data folder, no server.

Several processes of one machine share the file: executors write, web processes read.
The file is in WAL mode, so that readers and the writer do not wait for each other, and
with ``synchronous=FULL``, so that what a write has returned from survives a power cut.

The tables keep the documents of ``executor/adapters/documents.py``: what is searched or
written by itself has a column, the rest is JSON.  Instants are integers, milliseconds
since 1970.  All of it may be looked at with the ``sqlite3`` program while Solocron runs.
"""

from executor.adapters.sqlite.readers import SqliteReaders
from executor.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteReaders", "SqliteStore"]
