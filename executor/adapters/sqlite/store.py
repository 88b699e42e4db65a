"""The executor's store in SQLite: all tables of one file behind one face."""

from __future__ import annotations

from pathlib import Path

from executor.adapters.sqlite import schema
from executor.adapters.sqlite.audit import AuditTable
from executor.adapters.sqlite.commands import CommandTable
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.instances import InstanceTable
from executor.adapters.sqlite.jobs import JobTable
from executor.adapters.sqlite.named import NamedTable
from executor.adapters.sqlite.outbox import OutboxTable
from executor.adapters.sqlite.output import OutputTable
from executor.adapters.sqlite.revisions import RevisionTable
from executor.adapters.sqlite.runs import RunTable
from executor.adapters.sqlite.sessions import SessionTable
from executor.adapters.sqlite.terms import TermTable
from executor.adapters.sqlite.token_uses import TokenUseTable
from executor.domain.errors import StoreUnavailable


class SqliteStore:
    """Implements :class:`~executor.ports.store.ExecutorStore`; its methods are the tables' methods.

    The term has connections of its own: a clearance is due at an instant, so it never stays
    to copy the log into the database.  Live output has some that do not wait for the disk.
    """

    def __init__(self, path: Path) -> None:
        """Use the file *path*; it and its folder are created for their owner alone.

        Raises:
            ConfigError: the folder lies on a network file system, or cannot be used.
        """
        self._database = Database(path, StoreUnavailable)
        self._prompt = Database(path, StoreUnavailable, checkpoints=False)
        self._passing = Database(path, StoreUnavailable, durable=False)

        terms = TermTable(self._prompt)
        self.mint_term = terms.mint_term
        self.clear_term = terms.clear_term
        self.resign_term = terms.resign_term
        self.read_term = terms.read_term

        runs = RunTable(self._database)
        self.insert_runs = runs.insert_runs
        self.existing_runs = runs.existing_runs
        self.adopt_runs = runs.adopt_runs
        self.change_runs = runs.change_runs
        self.renew_leases = runs.renew_leases
        self.open_runs_before = runs.open_runs_before
        self.stamp_leases = runs.stamp_leases
        self.expire_runs = runs.expire_runs
        self.settle_follow_ups = runs.settle_follow_ups
        self.prune_runs = runs.prune_runs

        output = OutputTable(self._passing)
        self.keep_output = output.keep_output
        self.purge_output = output.purge_output

        jobs = JobTable(self._database)
        self.due_jobs = jobs.due_jobs
        self.all_jobs = jobs.all_jobs
        self.load_job = jobs.load_job
        self.write_jobs = jobs.write_jobs
        self.advance_jobs = jobs.advance_jobs
        self.purge_jobs = jobs.purge_jobs

        self.archive_jobs = RevisionTable(self._database).archive_jobs

        commands = CommandTable(self._database)
        self.known_commands = commands.known_commands
        self.save_results = commands.save_results

        instances = InstanceTable(self._database)
        self.beat = instances.beat
        self.forget_instance = instances.forget_instance
        self._add_small_tables()

    def _add_small_tables(self) -> None:
        named = NamedTable(self._database)
        self.all_named = named.all_named
        self.write_named = named.write_named
        self.purge_named = named.purge_named

        outbox = OutboxTable(self._database)
        self.read_tallies = outbox.read_tallies
        self.write_tallies = outbox.write_tallies
        self.add_notifications = outbox.add_notifications
        self.due_notifications = outbox.due_notifications
        self.change_notifications = outbox.change_notifications
        self.prune_notifications = outbox.prune_notifications

        uses = TokenUseTable(self._database)
        self.note_token_uses = uses.note_token_uses
        self.purge_token_uses = uses.purge_token_uses

        sessions = SessionTable(self._database)
        self.open_sessions = sessions.open_sessions
        self.close_sessions = sessions.close_sessions
        self.purge_sessions = sessions.purge_sessions

        audit = AuditTable(self._database)
        self.append_changes = audit.append_changes
        self.prune_changes = audit.prune_changes

    def prepare(self) -> None:
        """Create or upgrade the tables.

        Raises:
            SchemaTooNew: a newer Solocron has been here.
        """
        schema.prepare(self._database)

    def callback_key(self) -> bytes:
        """Return the key that call-backs are proved by."""
        return schema.callback_key(self._database)

    def close(self) -> None:
        """Close the connections; no method may be called afterwards."""
        self._database.close()
        self._prompt.close()
        self._passing.close()
