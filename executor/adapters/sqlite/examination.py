"""What about a data folder matters to Solocron, looked at from outside, and the fix for it.

Nothing is changed; the folder need not exist yet.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from executor.adapters.sqlite.data_folder import DATABASE, MOUNTS, network_file_system
from executor.domain.finding import Finding, fault, ok, warning

#: Free space from which on it is enough for a while, bytes.
_ENOUGH: Final = 500_000_000


def examine(folder: Path) -> Iterator[Finding]:
    """Look at *folder*; never raises."""
    check = f"data folder {folder}"
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        mounts = ""
    kind = network_file_system(folder.resolve(), mounts)
    if kind is not None:
        yield fault(check, f"lies on a network file system ({kind})",
                    "set SOLOCRON_DATA to a folder on a local disk")  # fmt: skip
        return
    if not folder.is_dir():
        yield warning(check, "is not there", "solocron serve makes it; or set SOLOCRON_DATA")
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield fault(check, "may not be written", "give it to the service's user: chown, chmod 700")
        return
    free = shutil.disk_usage(folder).free
    words = f"{free // 1_000_000:,} MB are free"
    yield ok(check, words) if free >= _ENOUGH else fault(check, words, "free some space")
    yield _database(folder / DATABASE)


def _database(file: Path) -> Finding:
    if not file.exists():
        return warning(f"database {file.name}", "is not there", "solocron serve makes it")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            [verdict] = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        fix = "stop the service and restore the file from a backup"
        return fault(f"database {file.name}", f"is damaged: {verdict}", fix)
    return ok(f"database {file.name}", f"{file.stat().st_size // 1000:,} kB, sound")
