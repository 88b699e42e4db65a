"""The thread of the command targets: what waits, what runs, what is ended.

It owns everything here but the inbox: it hands works to the spawners as far as capacity
allows, reads every program's output, watches deadlines and reaps.
"""

from __future__ import annotations

import select
import signal
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from executor.adapters.command_target.channel import Channel
from executor.adapters.command_target.child import Child, Phase, Verdict
from executor.adapters.command_target.deadlines import Deadlines
from executor.adapters.command_target.spawners import Refused, Spawned, Spawners, SpawnFailed
from executor.adapters.inbox import Inbox
from executor.adapters.listening import Listening
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.clock import Clock
from executor.ports.target import Work, WorkListener

#: Seconds in which killed programs are gone, unless they are stuck in the kernel.
STOP_S: Final = 5.0

#: Least time between two pieces of news of one run, seconds: more often nobody looks, and each
#: is a write of the store.
NEWS_S: Final = 0.5

#: Longest sleep, seconds; epoll refuses more than 24 days.
_LONGEST_WAIT_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends a run early."""

    run_id: str
    reason: Reason


class Stop:
    """Ends the loop."""


Message = Sequence[Work] | Spawned | Refused | SpawnFailed | Cancel | Stop


class Loop:
    """What the thread owns."""

    def __init__(
        self,
        inbox: Inbox[Message],
        spawners: Spawners,
        listener: WorkListener,
        clock: Clock,
        parallel: int,
        grace_s: float,
        linger_s: float,
    ) -> None:
        self._inbox = inbox
        self._spawners = spawners
        self._listener = listener
        self._clock = clock
        self._parallel = parallel
        self._grace_s = grace_s
        self._linger_s = linger_s
        self._waiting: OrderedDict[str, Work] = OrderedDict()
        #: At a spawner -> why it is to be ended as soon as it has started, or None.
        self._starting: dict[str, Verdict | None] = {}
        self._children: dict[str, Child] = {}
        #: Descriptor -> whose pipe or pidfd it is.
        self._watched: dict[int, Child] = {}
        self._deadlines: Deadlines[Child] = Deadlines()
        self._listening = Listening(listener.said)
        #: When something may be told of a run again; those with nothing new are not there.
        self._tellings: Deadlines[Child] = Deadlines()
        self._epoll = select.epoll()
        self._epoll.register(inbox.fd, select.EPOLLIN)
        self._stopping = False

    def run(self) -> None:
        """Serve until told to stop."""
        while not self._stopping:
            for fd, _ in self._epoll.poll(self._patience()):
                child = self._watched.get(fd)
                if child is None:
                    continue
                if fd == child.pipe:
                    self._read(child)
                elif child.channel is not None and fd == child.channel.fd:
                    self._hear(child, child.channel)
                else:
                    self._program_ended(child)
            for message in self._inbox.take():
                self._obey(message)
            self._obey_deadlines()
            self._listening.advance(self._clock.monotonic())
            self._hand_out()
        self._end_all()

    def _obey(self, message: Message) -> None:
        match message:
            case Stop():
                self._stopping = True
            case Cancel():
                self._cancel(message)
            case Spawned():
                self._spawned(message.child)
            case Refused():
                del self._starting[message.run_id]
                self._listener.not_started(message.run_id)
            case SpawnFailed():
                del self._starting[message.run_id]
                failed = Outcome(state=RunState.FAILED, error=message.error)
                self._listener.finished(message.run_id, self._clock.now(), failed)
            case _:
                self._waiting.update((work.run.id, work) for work in message)

    def _hand_out(self) -> None:
        while self._waiting and len(self._children) + len(self._starting) < self._parallel:
            run_id, work = self._waiting.popitem(last=False)
            self._starting[run_id] = None
            self._spawners.submit(work)

    def _cancel(self, cancel: Cancel) -> None:
        run_id = cancel.run_id
        verdict = Verdict(RunState.CANCELLED, cancel.reason)
        if self._waiting.pop(run_id, None) is not None:
            outcome = Outcome(state=RunState.CANCELLED, reason=cancel.reason)
            self._listener.finished(run_id, self._clock.now(), outcome)
        elif run_id in self._starting:
            self._starting[run_id] = self._starting[run_id] or verdict
        elif run_id in self._children:
            self._end(self._children[run_id], verdict)

    def _spawned(self, child: Child) -> None:
        verdict = self._starting.pop(child.run_id)
        self._children[child.run_id] = child
        self._watch(child, child.pidfd)
        if child.pipe is not None:
            self._watch(child, child.pipe)
        child.since = self._clock.monotonic()
        if child.channel is not None:
            self._watch(child, child.channel.fd)
        self._deadlines.set(child, child.since + child.timeout_s)
        if verdict is not None:
            self._end(child, verdict)

    def _read(self, child: Child) -> None:
        over = child.read()
        self._listening.heard(child.run_id, child.output, child.since, self._clock.monotonic())
        if over:
            self._close_pipe(child)
            if child.is_over:
                self._finish(child)

    def _hear(self, child: Child, channel: Channel) -> None:
        if channel.read():
            self._close_channel(child)
        if child not in self._tellings:
            self._tell(child, channel, self._clock.monotonic())

    def _tell(self, child: Child, channel: Channel, now: float) -> None:
        """Pass on the newest news, if there are any, and then none for a while."""
        news = channel.news()
        if news is not None:
            self._listener.progressed(child.run_id, news)
            self._tellings.set(child, now + NEWS_S)

    def _program_ended(self, child: Child) -> None:
        self._forget(child.pidfd)
        child.is_over = True
        if child.phase is Phase.ABANDONED:
            child.reap()
        elif child.pipe is None or child.phase is Phase.KILLED:
            self._finish(child)
        elif child.phase is Phase.RUNNING:
            child.phase = Phase.LINGERING
            self._deadlines.set(child, self._clock.monotonic() + self._linger_s)

    def _end(self, child: Child, verdict: Verdict) -> None:
        if child.verdict is not None:
            return
        child.verdict = verdict
        if child.phase is Phase.LINGERING:
            self._finish(child)
            return
        child.phase = Phase.ENDING
        child.signal(signal.SIGTERM)
        self._deadlines.set(child, self._clock.monotonic() + self._grace_s)

    def _time_is_up(self, child: Child, now: float) -> None:
        match child.phase:
            case Phase.RUNNING:
                error = f"not finished within {child.timeout_s:g} s"
                self._end(child, Verdict(RunState.TIMED_OUT, error=error))
            case Phase.ENDING if not child.is_over:
                child.phase = Phase.KILLED
                child.signal(signal.SIGKILL)
                self._deadlines.set(child, now + self._linger_s)
            case Phase.ENDING | Phase.LINGERING:
                self._finish(child)
            case Phase.KILLED:
                self._abandon(child)
            case Phase.ABANDONED:
                return
            case _:
                assert_never(child.phase)

    def _finish(self, child: Child) -> None:
        """Report a program that is over, and leave nothing of its group."""
        child.signal(signal.SIGKILL)
        child.read()
        self._close_pipe(child)
        self._close_channel(child)
        child.reap()
        self._report(child)

    def _abandon(self, child: Child) -> None:
        child.phase = Phase.ABANDONED
        self._close_pipe(child)
        self._close_channel(child)
        self._report(child)

    def _report(self, child: Child) -> None:
        del self._children[child.run_id]
        self._deadlines.clear(child)
        self._tellings.clear(child)
        outcome = child.outcome()
        self._listening.ended(child.run_id, child.output)
        self._listener.finished(child.run_id, self._clock.now(), outcome)

    def _obey_deadlines(self) -> None:
        now = self._clock.monotonic()
        for child in self._deadlines.pop(now):
            self._time_is_up(child, now)
        for child in self._tellings.pop(now):
            if child.channel is not None:
                self._tell(child, child.channel, now)

    def _patience(self) -> float:
        following = (self._deadlines.next(), self._tellings.next(), self._listening.wake_at)
        due = min(one for one in following if one is not None)
        return min(max(0.0, due - self._clock.monotonic()), _LONGEST_WAIT_S)

    def _watch(self, child: Child, fd: int) -> None:
        self._watched[fd] = child
        self._epoll.register(fd, select.EPOLLIN)

    def _forget(self, fd: int) -> None:
        # Before it is closed: a process that is just being started may hold a copy, which
        # would keep the number in the epoll after it means something else.
        del self._watched[fd]
        self._epoll.unregister(fd)

    def _close_pipe(self, child: Child) -> None:
        if child.pipe is not None:
            self._forget(child.pipe)
            child.close_pipe()

    def _close_channel(self, child: Child) -> None:
        """Hear what is left, and then no more."""
        if child.channel is not None:
            child.channel.read()
            self._forget(child.channel.fd)
            child.close_channel()

    def _end_all(self) -> None:
        """Kill everything, wait for it, and close what is ours."""
        self._inbox.close()
        self._epoll.close()
        children = {child.pidfd: child for child in self._watched.values()}
        gone = select.poll()
        for pidfd, child in children.items():
            child.signal(signal.SIGKILL)
            gone.register(pidfd, select.POLLIN)
        patience = self._clock.monotonic() + STOP_S
        while children and (left := patience - self._clock.monotonic()) > 0:
            for pidfd, _ in gone.poll(left * 1000):
                gone.unregister(pidfd)
                children.pop(pidfd).reap()
        for child in children.values():
            child.reap()
