"""The tables, and how a file of an older version becomes one of this version.

``PRAGMA user_version`` holds the number of upgrades the file has had; 0 is an empty
file.  An upgrade is never changed once released: a change of the tables is a new one.
All pending upgrades are one transaction.

Of a run and a job, ``document`` holds what has no column of its own, as JSON; a run's
output is kept apart, so that lists need not read over it.
"""

from __future__ import annotations

from typing import Final

from executor.adapters.service_key import CALLBACK_KEY, UNPREPARED, new_key
from executor.adapters.sqlite.connection import Database
from executor.domain.errors import SchemaTooNew, StoreUnavailable
from executor.domain.run import LIVE, RunState

#: Condition for the rows about which an executor has something to do.  An index on it is used
#: only by queries that repeat it to the letter, so both take it from here.
OPEN: Final = "(state IN ('cancelling', 'pending', 'running') OR follow_up)"

#: The states in that condition, as :data:`~executor.domain.run.LIVE` has them.
LIVE_STATES: Final = ", ".join(sorted(f"'{state}'" for state in LIVE))

#: States of runs that are going on.
RUNNING_STATES: Final = ", ".join(sorted(f"'{state}'" for state in LIVE - {RunState.PENDING}))

_VERSION_1: Final = (
    """
    CREATE TABLE terms (
        term INTEGER PRIMARY KEY,
        holder TEXT NOT NULL,
        acquired_at INTEGER NOT NULL,
        heartbeat_at INTEGER NOT NULL,
        cleared_until INTEGER,
        resigned INTEGER NOT NULL DEFAULT 0,
        until INTEGER
    )
    """,
    """
    CREATE TABLE runs (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        job_id TEXT NOT NULL,
        cause TEXT NOT NULL,
        state TEXT NOT NULL,
        term INTEGER NOT NULL,
        scheduled INTEGER NOT NULL,
        fire_at INTEGER,
        clear_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        lease_until INTEGER,
        follow_up INTEGER NOT NULL,
        document TEXT NOT NULL,
        output TEXT
    )
    """,
    "CREATE UNIQUE INDEX runs_by_id ON runs (id)",
    "CREATE UNIQUE INDEX runs_by_slot ON runs (job_id, fire_at) WHERE scheduled",
    f"CREATE INDEX runs_open ON runs (term) WHERE {OPEN}",
    "CREATE INDEX runs_by_time ON runs (created_at, id)",
    "CREATE INDEX runs_by_job ON runs (job_id, created_at)",
    "CREATE INDEX runs_by_state ON runs (state, created_at, id)",
    "CREATE INDEX runs_by_cause ON runs (cause, created_at, id)",
    """
    CREATE TABLE jobs (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        owner TEXT NOT NULL,
        tags TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        next_fire_at INTEGER,
        last_command TEXT,
        last_run TEXT,
        document TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX jobs_by_name ON jobs (name) WHERE NOT deleted",
    "CREATE INDEX jobs_due ON jobs (next_fire_at) WHERE NOT deleted",
    "CREATE INDEX jobs_by_command ON jobs (last_command) WHERE last_command IS NOT NULL",
    "CREATE INDEX jobs_deleted ON jobs (updated_at) WHERE deleted",
    """
    CREATE TABLE results (
        command_id TEXT PRIMARY KEY,
        saved_at INTEGER NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX results_by_age ON results (saved_at)",
    """
    CREATE TABLE instances (
        id TEXT PRIMARY KEY,
        seen_at INTEGER NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # The command queue of the local broker: a row is on the queue until it has a result.
    """
    CREATE TABLE local_commands (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        digest TEXT NOT NULL,
        body BLOB NOT NULL,
        result BLOB,
        settled_at INTEGER
    )
    """,
    "CREATE UNIQUE INDEX local_commands_open ON local_commands (id, digest) WHERE result IS NULL",
    """
    CREATE INDEX local_commands_settled ON local_commands (settled_at)
    WHERE settled_at IS NOT NULL
    """,
)

#: Calendars, and the former revisions of jobs.
_VERSION_2: Final = (
    """
    CREATE TABLE calendars (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE job_revisions (
        row INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        last_command TEXT,
        document TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX job_revisions_by_number ON job_revisions (job_id, revision)",
)

#: Secrets.
_VERSION_3: Final = (
    """
    CREATE TABLE secrets (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
)

#: What runs say while they go on, from byte ``start`` up to ``finish``.
_OUTPUT_CHUNKS: Final = (
    """
    CREATE TABLE output_chunks (
        row INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL,
        start INTEGER NOT NULL,
        finish INTEGER NOT NULL,
        written_at INTEGER NOT NULL,
        data BLOB NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX output_chunks_by_start ON output_chunks (run_id, start)",
    "CREATE INDEX output_chunks_by_finish ON output_chunks (run_id, finish)",
)

#: The key that call-backs are proved by.
_SERVICE_KEYS: Final = (
    "CREATE TABLE service_keys (name TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID",
)

#: Channels, and what is told over them.  A ping has no channel: that is empty.
_NOTIFYING: Final = (
    """
    CREATE TABLE channels (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE tallies (
        job_id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE outbox (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        channel TEXT NOT NULL,
        job_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
    "CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'pending'",
    "CREATE INDEX outbox_by_time ON outbox (created_at, id)",
    "CREATE INDEX outbox_by_job ON outbox (job_id, created_at, id)",
    "CREATE INDEX outbox_by_state ON outbox (state, created_at, id)",
)

#: API tokens, when they were used last, and the audit.
_TOKENS_AND_AUDIT: Final = (
    """
    CREATE TABLE tokens (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE token_uses (
        name TEXT PRIMARY KEY,
        used_at INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE audit (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        job_id TEXT,
        document TEXT NOT NULL
    )
    """,
    "CREATE INDEX audit_by_time ON audit (at, id)",
    "CREATE INDEX audit_by_actor ON audit (actor, at, id)",
    "CREATE INDEX audit_by_job ON audit (job_id, at, id)",
)

#: Browsers that are signed in.
_SESSIONS: Final = (
    """
    CREATE TABLE sessions (
        digest TEXT PRIMARY KEY,
        expires_at INTEGER NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
)

#: What the jobs that are pinged are found by.
_PINGS: Final = (
    "ALTER TABLE jobs ADD COLUMN ping_digest TEXT",
    "CREATE INDEX jobs_by_ping ON jobs (ping_digest) WHERE ping_digest IS NOT NULL",
)

#: Which time zone data the executor of each term goes by.
_ZONE_DATA: Final = ("ALTER TABLE terms ADD COLUMN tzdata TEXT NOT NULL DEFAULT ''",)

#: Orders of the list of jobs: by next fire time and by latest result, the name deciding among
#: equals.  Queries repeat the expression to the letter.
LAST_RUN: Final = "json_extract(last_run, '$.finished_at')"
_JOB_ORDERS: Final = (
    "DROP INDEX jobs_due",
    "CREATE INDEX jobs_coming ON jobs (next_fire_at, name) WHERE NOT deleted",
    f"CREATE INDEX jobs_by_last_run ON jobs ({LAST_RUN} DESC, name) WHERE NOT deleted",
)

_VERSION_4: Final = (
    *_OUTPUT_CHUNKS,
    *_SERVICE_KEYS,
    *_NOTIFYING,
    *_TOKENS_AND_AUDIT,
    *_SESSIONS,
    *_PINGS,
    *_ZONE_DATA,
    *_JOB_ORDERS,
)

#: Statements of each upgrade, oldest first.
UPGRADES: Final = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)

#: The version that this program reads and writes.
VERSION: Final = len(UPGRADES)


def prepare(database: Database) -> None:
    """Bring the file to :data:`VERSION`.  Safe to repeat, and from several processes at once.

    Raises:
        SchemaTooNew: a newer version has written it; nothing was changed.
    """
    with database.read() as connection:
        found = _version(connection.execute("PRAGMA user_version").fetchone())
    if found == VERSION:
        return
    if found == 0:
        database.keep_log()
    with database.write() as connection:
        # Again, now that nobody else can change it.
        found = _version(connection.execute("PRAGMA user_version").fetchone())
        for upgrade in UPGRADES[found:]:
            for statement in upgrade:
                connection.execute(statement)
        connection.execute(
            "INSERT INTO service_keys VALUES (?, ?) ON CONFLICT DO NOTHING",
            (CALLBACK_KEY, new_key()),
        )
        connection.execute(f"PRAGMA user_version = {VERSION}")


def callback_key(database: Database) -> bytes:
    """Return the key that :func:`prepare` has made.

    Raises:
        StoreUnavailable: the file is not prepared yet.
    """
    with database.read() as connection:
        row = connection.execute(
            "SELECT key FROM service_keys WHERE name = ?", (CALLBACK_KEY,)
        ).fetchone()
    if row is None:
        raise StoreUnavailable(UNPREPARED)
    key: bytes = row[0]
    return key


def _version(row: tuple[int]) -> int:
    (found,) = row
    if found > VERSION:
        raise SchemaTooNew(found, VERSION)
    return found
