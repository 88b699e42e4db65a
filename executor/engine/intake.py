"""Commands: decided in the order they come, applied once, answered when durable.

A batch goes through four steps, each waiting for the store:

1. *recall* what is remembered of these commands: an answer, or a job whose last revision
   or a run that one of them made (then the effect stands and only the answer is missing);
2. *write* the new revisions, each a compare-and-set, and claim the runs asked for.  The record
   remembers one command only, the one that made its revision; so before that is overwritten
   the answer to it is saved, unless this executor knows that it is;
3. *verify* the term by a clearance that begins after the writes: an executor that was
   superseded meanwhile answers nothing, its successor gets the command again;
4. *save* the answers (at the same time, if all of them are effects and none a refusal,
   which a superseded executor might have got wrong), then answer.

At most one command of a batch concerns a given job, so decisions see what is stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.identity import manual_run_id
from executor.domain.job import Job, LastCommand
from executor.domain.run import Run
from executor.domain.writes import JobClash, JobWrite, KnownCommands
from executor.engine.decisions import (
    Answer,
    Cancel,
    Claim,
    Decision,
    Scene,
    Write,
    decide,
    decide_again,
    implied_result,
    repeated,
    touched_by,
    undecidable,
)
from executor.engine.desk import Call
from executor.engine.effects import RecallCommands, Request, SaveResults, Settle, WriteJobs
from executor.engine.events import Refused
from executor.engine.timing import COMMAND_BATCH


@dataclass(slots=True)
class _Case:
    """A command on its way to its answer."""

    tag: object
    command: Command
    result: CommandResult | None = None
    effective: bool = False


@dataclass(slots=True)
class _Batch:
    cases: dict[str, _Case] = field(default_factory=dict)
    repeats: list[_Case] = field(default_factory=list)
    writes: dict[str, Write] = field(default_factory=dict)
    claims: set[str] = field(default_factory=set)
    cancels: set[str] = field(default_factory=set)
    deciding: bool = False
    verifying: bool = False
    verified: bool = False
    saved: bool = False


class Intake:
    """Takes commands through their steps, one batch at a time."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._desk = desk = scene.desk
        self._waiting: deque[_Case] = deque()
        self._batch: _Batch | None = None
        self._recall: Call[RecallCommands] = Call(desk)
        self._write: Call[WriteJobs] = Call(desk)
        self._vouch: Call[SaveResults] = Call(desk)
        self._save: Call[SaveResults] = Call(desk)
        #: By job, the command that made its revision and whose answer is saved.
        self._answered: dict[str, str] = {}

    def receive(self, tag: object, command: Command) -> None:
        """Take a command that came off the queue."""
        self._waiting.append(_Case(tag, command))

    def abandon(self) -> None:
        """Forget every command: they are back in the queue and come again.

        A write that is out is still learned of when it is answered.
        """
        self._waiting.clear()
        self._batch = None

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if self._recall.answered(request):
            assert isinstance(result, tuple)
            if self._batch is not None:
                self._on_recalled(*result)
        elif self._write.answered(request):
            assert isinstance(request, WriteJobs)
            assert isinstance(result, list)
            if self._batch is None:
                self._learn(request, result)
            else:
                self._on_written(result)
        elif self._vouch.answered(request):
            assert isinstance(request, SaveResults)
            self._note_answered(request.results)
            self._continue()
        elif self._save.answered(request):
            assert isinstance(request, SaveResults)
            self._note_answered(request.results)
            if self._batch is not None:
                self._on_saved()
        else:
            return False
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        calls = self._calls
        if self._batch is None:
            # Abandoned: whoever gets the commands next makes these calls.
            return any(call.answered(request) for call in calls)
        return any(call.failed(request) for call in calls)

    def advance(self) -> None:
        """Begin the next batch if there is none."""
        for call in self._calls:
            call.advance()
        if self._batch is not None:
            self._continue()
        elif self._waiting and all(call.idle for call in self._calls):
            self._begin()

    def _begin(self) -> None:
        self._batch = batch = _Batch()
        subjects: set[str] = set()
        while self._waiting and len(batch.cases) < COMMAND_BATCH:
            case = self._waiting[0]
            if case.command.id in batch.cases:
                batch.repeats.append(self._waiting.popleft())
                continue
            touched = touched_by(case.command, self._scene.roster)
            if touched & subjects:
                break
            subjects |= touched
            batch.cases[case.command.id] = self._waiting.popleft()
        runs = [
            manual_run_id(command_id)
            for command_id, case in batch.cases.items()
            if case.command.kind is CommandKind.TRIGGER_JOB
        ]
        self._recall.send(RecallCommands(tuple(batch.cases), tuple(runs)))

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next repetition."""
        return min(call.wake_at for call in self._calls)

    @property
    def _calls(self) -> tuple[Call[Any], ...]:
        return self._recall, self._vouch, self._write, self._save

    # Steps --------------------------------------------------------------------------------

    def _on_recalled(self, known: KnownCommands, begun: frozenset[str]) -> None:
        assert self._batch is not None
        self._batch.deciding = True
        made: dict[str, Job] = {}
        for job in known.jobs:
            # A revision that a former executor wrote just before it was superseded.
            self._scene.roster.put(job)
            if job.last_command is not None:
                made[job.last_command.id] = job
        for case in self._batch.cases.values():
            result = known.results.get(case.command.id)
            if result is not None:
                case.result = repeated(case.command, result, self._desk.now)
            else:
                revised = made.get(case.command.id)
                has_run = manual_run_id(case.command.id) in begun
                self._decide(case, partial(decide, made=revised, has_run=has_run))
        self._batch.deciding = False
        self._continue()

    def _decide(self, case: _Case, how: Callable[[Command, Scene], Decision]) -> None:
        try:
            decision = how(case.command, self._scene)
        except Exception as error:  # One command that cannot be decided must not stop others.
            self._refuse(case, error)
        else:
            self._take(case, decision)

    def _refuse(self, case: _Case, error: Exception) -> None:
        """Answer a command that cannot be decided, or whose effect the store does not take."""
        self._desk.note(
            "command_broken",
            "a command cannot be carried out and is refused",
            "ERROR",
            command_id=case.command.id,
            command=case.command.kind.value,
            error=repr(error),
        )
        case.result = undecidable(case.command, self._desk.now, error)

    def _take(self, case: _Case, decision: Decision) -> None:
        assert self._batch is not None
        if isinstance(decision, Answer):
            case.result = decision.result
        elif isinstance(decision, Write):
            self._batch.writes[case.command.id] = decision
        elif isinstance(decision, Cancel):
            self._batch.cancels.add(decision.run_id)
            case.result, case.effective = decision.result, True
        else:
            self._claim(case, decision)

    def _claim(self, case: _Case, decision: Claim) -> None:
        assert self._batch is not None
        batch = self._batch
        batch.claims.add(case.command.id)

        def on_written(run: Run) -> None:
            if self._batch is not batch:
                return
            batch.claims.discard(case.command.id)
            case.result, case.effective = decision.result, True
            self._continue()

        def on_refused(error: Exception) -> None:
            if self._batch is not batch:
                return
            batch.claims.discard(case.command.id)
            self._refuse(case, error)
            self._continue()

        self._scene.dispatcher.claim([decision.run], on_written, on_refused)

    def _on_written(self, clashes: list[JobClash | Refused | None]) -> None:
        assert self._batch is not None
        self._batch.deciding = True
        writes, self._batch.writes = self._batch.writes, {}
        for (command_id, write), clash in zip(writes.items(), clashes, strict=True):
            case = self._batch.cases[command_id]
            if clash is None:
                self._apply(case, write)
            elif isinstance(clash, Refused):
                self._refuse(case, clash.error)
            elif clash.current is not None and clash.current.last_command == LastCommand.of(
                case.command
            ):
                # Our own write, whose first answer was lost.
                self._apply(case, Write(clash.current, write.expect, write.result))
            else:
                self._decide(case, partial(decide_again, clash=clash))
        self._batch.deciding = False
        self._continue()

    def _learn(self, request: WriteJobs, clashes: list[JobClash | Refused | None]) -> None:
        for write, clash in zip(request.writes, clashes, strict=True):
            if clash is None:
                self._scene.roster.put(write.job)

    def _apply(self, case: _Case, write: Write) -> None:
        case.result, case.effective = write.result, True
        self._scene.roster.put(write.job)
        self._desk.note(
            "job_changed",
            "job changed",
            job=write.job.name,
            job_id=write.job.id,
            revision=write.job.revision,
            command=case.command.kind.value,
            command_id=case.command.id,
        )

    def _continue(self) -> None:
        """Go to the next step once nothing of the present one is out."""
        batch = self._batch
        if batch is None or batch.deciding or batch.verifying:
            return
        if not (self._recall.idle and self._vouch.idle and self._write.idle):
            return
        if unanswered := self._unanswered(batch):
            self._vouch.send(SaveResults(unanswered))
        elif batch.writes:
            writes = batch.writes.values()
            self._write.send(WriteJobs(tuple(JobWrite(w.job, w.expect, w.forward) for w in writes)))
        elif not batch.claims and not any(map(self._scene.journal.remembers, batch.cancels)):
            batch.verifying = True
            self._scene.dispatcher.verify(lambda: self._on_verified(batch))
            if all(case.effective for case in batch.cases.values()):
                # What is durable is true whatever comes of the term; a refusal may not be.
                self._save_results(batch)

    def _unanswered(self, batch: _Batch) -> tuple[CommandResult, ...]:
        """Return the answers to the commands whose revisions are about to be overwritten."""
        results = [
            implied_result(write.former, self._desk.now)
            for write in batch.writes.values()
            if write.former is not None
        ]
        return tuple(
            result
            for result in results
            if result is not None
            and result.job_id is not None
            and self._answered.get(result.job_id) != result.command_id
        )

    def _note_answered(self, results: Sequence[CommandResult]) -> None:
        for result in results:
            if result.job_id is not None and result.run_id is None:
                self._answered[result.job_id] = result.command_id

    def _save_results(self, batch: _Batch) -> None:
        results = [case.result for case in batch.cases.values() if case.result is not None]
        self._save.send(SaveResults(tuple(results)))

    def _on_verified(self, batch: _Batch) -> None:
        if self._batch is not batch:
            return
        batch.verified = True
        if batch.saved:
            self._settle(batch)
        elif self._save.idle:
            self._save_results(batch)

    def _on_saved(self) -> None:
        assert self._batch is not None
        self._batch.saved = True
        if self._batch.verified:
            self._settle(self._batch)

    def _settle(self, batch: _Batch) -> None:
        self._batch = None
        for case in batch.cases.values():
            assert case.result is not None
            self._desk.emit(Settle(case.tag, case.result))
        for repeat in batch.repeats:
            result = batch.cases[repeat.command.id].result
            assert result is not None
            self._desk.emit(Settle(repeat.tag, repeated(repeat.command, result, self._desk.now)))
