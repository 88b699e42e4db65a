"""Commands: decided in the order they come, applied once, answered when durable.

A batch goes through these steps, each waiting for the store:

1. *recall* what is remembered of these commands: an answer, or a job whose last revision
   or a run that one of them made (then the effect stands and only the answer is missing);
   nothing can be of one whose id is its own and whose message nobody was handed before;
2. *keep* what is about to be overwritten: as a former revision, and, because a record remembers
   one command only, the answer to the one that made it, unless that is known to be saved; then
   *write* the new revisions, each a compare-and-set, and claim the runs asked for;
3. *verify* the term after that: the store looks at it once jobs are written; for all else
   a clearance is made.  An executor that was superseded meanwhile answers nothing, its
   successor gets the command again;
4. *save* the answers and *settle*.  An answer that says what a job's record says is given
   before: should it not be saved, it can be made up again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.identity import manual_run_id
from executor.domain.job import Job, LastCommand
from executor.domain.named import NamedClash
from executor.domain.run import Run
from executor.domain.writes import JobClash, JobWrite, KnownCommands
from executor.engine import named_decisions
from executor.engine.answers import reply, settle
from executor.engine.batch import Batch, Case
from executor.engine.decisions import decide, decide_again, undecidable
from executor.engine.desk import Call
from executor.engine.entries import save_request
from executor.engine.events import Refused
from executor.engine.former import Former
from executor.engine.scene import (
    Answer,
    Change,
    Claim,
    Decision,
    Later,
    Post,
    SaveAlong,
    Scene,
    Write,
    WriteRecord,
    repeated,
)
from executor.engine.store_requests import (
    KeepFormer,
    RecallCommands,
    Request,
    SaveResults,
    WriteJobs,
    WriteNamed,
)


class Intake:
    """Takes commands through their steps, one batch at a time."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._desk = desk = scene.desk
        self._waiting: deque[Case] = deque()
        self._batch: Batch | None = None
        self._recall: Call[RecallCommands] = Call(desk)
        self._write: Call[WriteJobs] = Call(desk)
        self._keep: Call[KeepFormer] = Call(desk)
        self._save: Call[SaveResults] = Call(desk)
        self._write_named: Call[WriteNamed] = Call(desk)
        self._harmless: tuple[Call[Any], ...] = self._recall, self._keep, self._save
        self._writes: tuple[Call[Any], ...] = self._write, self._write_named
        self._calls = self._harmless + self._writes
        self._former = Former(desk)

    def receive(self, tag: object, command: Command, first: bool) -> None:
        """Take a command that came off the queue; *first*: nobody was handed it before."""
        self._waiting.append(Case(tag, command, first and not command.repeatable))

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
        elif self._keep.answered(request):
            assert isinstance(request, KeepFormer)
            self._former.note_answered(request.results)
            if self._batch is not None:
                self._batch.kept = True
            self._continue()
        elif self._write_named.answered(request):
            assert isinstance(request, WriteNamed)
            assert isinstance(result, list)
            if self._batch is not None:
                self._on_named_written(self._batch, result)
        elif self._save.answered(request):
            assert isinstance(request, SaveResults)
            self._former.note_answered(request.results)
            if self._batch is not None:
                self._settle(self._batch)
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

    def advance(self, trusted: bool) -> None:
        """Begin the next batch if there is none; *trusted*: the term is not in doubt."""
        for call in self._harmless:
            call.advance()
        if trusted:
            # As with claims: an executor that was paused first learns whether it is over.  What
            # it would write now may have been decided otherwise, and undone, since.
            for call in self._writes:
                call.advance()
        if self._batch is not None:
            self._continue()
        elif self._waiting and all(call.idle for call in self._calls):
            self._begin()

    def _begin(self) -> None:
        self._batch = batch = Batch()
        batch.fill(self._waiting, self._scene.roster)
        known = [one for one, case in batch.cases.items() if not case.is_new]
        runs = [
            manual_run_id(one)
            for one in known
            if batch.cases[one].command.kind is CommandKind.TRIGGER_JOB
        ]
        if known:
            self._recall.send(RecallCommands(tuple(known), tuple(runs)))
        else:
            self._on_recalled(KnownCommands({}, ()), frozenset())

    def wake_at(self, trusted: bool) -> float:
        """Monotonic time of the next repetition."""
        return min([call.wake_at for call in (self._calls if trusted else self._harmless)])

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
                has_run = manual_run_id(case.command.id) in begun
                how = partial(decide, made=made.get(case.command.id), has_run=has_run)
                self._decide(case, partial(how, again=not case.is_new))
        self._batch.deciding = False
        self._continue()

    def _decide(self, case: Case, how: Callable[[Command, Scene], Decision]) -> None:
        try:
            decision = how(case.command, self._scene)
        except Exception as error:  # One command that cannot be decided must not stop others.
            case.result = self._refused(case, error)
        else:
            self._take(case, decision)

    def _refused(self, case: Case, error: Exception) -> CommandResult:
        """Return the answer to what cannot be decided, or whose effect the store does not take."""
        self._desk.note(
            "command_broken",
            "a command cannot be carried out and is refused",
            "ERROR",
            command_id=case.command.id,
            command=case.command.kind.value,
            error=repr(error),
        )
        return undecidable(case.command, self._desk.now, error)

    def _take(self, case: Case, decision: Decision) -> None:
        assert self._batch is not None
        if isinstance(decision, Answer):
            case.result = decision.result
        elif isinstance(decision, Write):
            self._batch.writes[case.command.id] = decision
        elif isinstance(decision, SaveAlong):
            self._batch.save_along(decision)
            case.result = decision.result
        elif isinstance(decision, Post):
            told = partial(self._awaited(case), decision.result)
            self._scene.herald.post(decision.notification, told)
        elif isinstance(decision, WriteRecord):
            self._batch.named[case.command.id] = decision
        elif isinstance(decision, Change):
            # Not known to be an effect: a superseded executor's change of the row does nothing.
            self._batch.changes.add(decision.run_id)
            case.result = decision.result
        elif isinstance(decision, Later):
            self._await(self._batch, case, decision)
        else:
            self._claim(case, decision)

    def _await(self, batch: Batch, case: Case, decision: Later) -> None:
        batch.claims.add(case.command.id)

        def on_decided(decision: Decision) -> None:
            if self._batch is batch:
                batch.claims.discard(case.command.id)
                self._take(case, decision)
                self._continue()

        decision.begin(on_decided)

    def _awaited(self, case: Case) -> Callable[[CommandResult | None], None]:
        """Have the batch wait for *case*; return what gives it its result, and lets it go on."""
        assert self._batch is not None
        batch = self._batch
        batch.claims.add(case.command.id)

        def done(result: CommandResult | None) -> None:
            if self._batch is batch:
                batch.claims.discard(case.command.id)
                case.result = result
                self._continue()

        return done

    def _claim(self, case: Case, decision: Claim) -> None:
        done = self._awaited(case)
        present: dict[str, Run] = {}

        def on_written(run: Run) -> None:
            present[run.id] = run
            if len(present) == len(decision.runs):
                done(decision.answer(present))

        def on_refused(error: Exception) -> None:
            done(self._refused(case, error))

        self._scene.dispatcher.claim(decision.runs, on_written, on_refused)

    def _on_written(self, clashes: list[JobClash | Refused | None]) -> None:
        assert self._batch is not None
        self._batch.deciding = True
        if self._batch.first:
            self._on_first_written(self._batch, clashes)
            return
        writes, self._batch.writes = self._batch.writes, {}
        for (command_id, write), clash in zip(writes.items(), clashes, strict=True):
            case = self._batch.cases[command_id]
            if clash is None:
                self._apply(case, write)
            elif isinstance(clash, Refused):
                case.result = self._refused(case, clash.error)
            elif clash.current is not None and clash.current.last_command == LastCommand.of(
                case.command
            ):
                # Our own write, whose first answer was lost.
                self._apply(case, Write(clash.current, write.expect, write.result))
            else:
                self._decide(case, partial(decide_again, clash=clash))
        self._batch.deciding = False
        self._continue()

    def _on_named_written(self, batch: Batch, clashes: list[NamedClash[Any] | None]) -> None:
        batch.deciding = True
        writes, batch.named = batch.named, {}
        for (command_id, write), clash in zip(writes.items(), clashes, strict=True):
            case = batch.cases[command_id]
            if clash is None:
                case.result = write.result
                named_decisions.apply(write, case.command, self._scene)
            else:
                self._decide(case, partial(named_decisions.decide_again, current=clash.current))
        batch.deciding = False
        self._continue()

    def _on_first_written(self, batch: Batch, clashes: list[JobClash | Refused | None]) -> None:
        """Go on to what was to be written after these; where one was not applied, decide anew."""
        first, batch.first = batch.first, []
        anew: dict[str, JobClash | Refused] = {}
        for (command_id, write), clash in zip(first, clashes, strict=True):
            if clash is None:
                self._scene.roster.put(write.job)
            else:
                anew[command_id] = clash
        for command_id in {command_id for command_id, _ in first}:
            case, found = batch.cases[command_id], anew.get(command_id)
            if found is None:
                batch.writes[command_id] = replace(batch.writes[command_id], first=())
                continue
            del batch.writes[command_id]
            if isinstance(found, Refused):
                case.result = self._refused(case, found.error)
                continue
            if found.current is not None:
                self._scene.roster.put(found.current)
            self._decide(case, partial(decide, made=None))
        batch.deciding = False
        self._continue()

    def _learn(self, request: WriteJobs, clashes: list[JobClash | Refused | None]) -> None:
        for write, clash in zip(request.writes, clashes, strict=True):
            if clash is None:
                self._scene.roster.put(write.job)

    def _apply(self, case: Case, write: Write) -> None:
        case.result, case.is_verified = write.result, True
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
        if not all(call.idle for call in self._calls):
            return
        former = None if batch.kept else self._former.request(batch)
        if former is not None:
            self._keep.send(former)
            return
        if (batch.writes or batch.named) and not self._scene.dispatcher.trusted:
            return
        batch.kept = False
        if batch.named:
            self._write_named.send(WriteNamed(tuple(one.write for one in batch.named.values())))
        elif batch.writes:
            batch.first = [(one, w) for one, write in batch.writes.items() for w in write.first]
            jobs = [w for _, w in batch.first] or batch.writes.values()
            writes = tuple(JobWrite(w.job, w.expect, w.forward) for w in jobs)
            self._write.send(WriteJobs(writes, self._scene.term))
        elif not batch.claims and not any(map(self._scene.journal.remembers, batch.changes)):
            batch.verifying = True
            for case in batch.cases.values():
                if case.is_verified and case.result is not None:
                    reply(self._desk, case.tag, case.result)
            if all(case.is_verified for case in batch.cases.values()):
                self._save_results(batch)
            else:
                self._scene.dispatcher.verify(lambda: self._save_results(batch))

    def _save_results(self, batch: Batch) -> None:
        if self._batch is batch:
            self._save.send(save_request(batch, self._scene))

    def _settle(self, batch: Batch) -> None:
        self._batch = None
        for case in batch.cases.values():
            assert case.result is not None
            settle(self._desk, case.tag, case.result)
        for repeat in batch.repeats:
            result = batch.cases[repeat.command.id].result
            assert result is not None
            settle(self._desk, repeat.tag, repeated(repeat.command, result, self._desk.now))
