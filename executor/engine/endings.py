"""The end of a run, recorded: one form for every run, wherever its work was done.

An end that demands something (a repetition, a run that follows) is recorded together with
that demand, in one write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from executor.domain.job import LastRun
from executor.domain.replacement import replace
from executor.domain.run import Outcome, Run, RunChange, RunState
from executor.domain.writes import JobProgress
from executor.engine.desk import Desk
from executor.engine.journal import Journal


class Endings:
    """Records how runs end.

    Attributes:
        demands: whether the end of a run demands anything.
        on_finished: told of each run whose end is on its way to the store.
    """

    def __init__(self, desk: Desk, journal: Journal, instance: str) -> None:
        self._desk = desk
        self._journal = journal
        self._instance = instance
        self.demands: Callable[[Run], bool] = lambda run: True
        self.on_finished: Callable[[Run], None] = lambda run: None

    def end(self, run: Run, outcome: Outcome, at: datetime, started_at: datetime | None) -> None:
        """Record that *run*, which began at *started_at* (None: never), has ended."""
        ended = replace(
            run,
            state=outcome.state,
            reason=outcome.reason,
            executor=self._instance,
            started_at=started_at,
            finished_at=at,
            exit_code=outcome.exit_code,
            http_status=outcome.http_status,
            retry_after=outcome.retry_after,
            error=outcome.error,
            output=outcome.output,
        )
        self._journal.change(
            RunChange(
                run_id=run.id,
                term=run.term,
                state=outcome.state,
                reason=outcome.reason,
                executor=self._instance,
                revision=run.revision,
                # Again, because a start reported after a cancellation does not change the row.
                started_at=started_at,
                finished_at=at,
                follow_up=True if self.demands(ended) else None,
                exit_code=outcome.exit_code,
                http_status=outcome.http_status,
                retry_after=outcome.retry_after,
                error=outcome.error,
                details=outcome.details,
                output=outcome.output,
            ),
            ended,
        )
        self._journal.progress(
            JobProgress(
                job_id=run.job_id,
                revision=run.revision,
                last_run=LastRun(run_id=run.id, state=outcome.state, finished_at=at),
            )
        )
        self._tell(run, outcome)
        self.on_finished(ended)

    def _tell(self, run: Run, outcome: Outcome) -> None:
        facts: dict[str, object] = {"run_id": run.id, "job": run.job, "term": run.term}
        facts |= {"state": outcome.state.value, "attempt": run.attempt}
        if outcome.error:
            facts["error"] = outcome.error
        level = "DEBUG" if outcome.state is RunState.SUCCEEDED else "INFO"
        self._desk.note("run_finished", "run finished", level, **facts)
