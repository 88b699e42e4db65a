"""Every error Solocron raises on purpose, under one root.

Whose fault it is decides the class: the caller's (``Invalid*``, ``*NotFound``,
``*Conflict``), a superseded executor's (``StaleTerm``) or the surroundings'
(``*Unavailable``).  Messages are built here once, from facts that stay readable
as attributes; adapters translate driver errors at every public edge and keep the
driver's error as ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: which field, and what to write instead.

    ``field`` is a dotted path into the caller's document (``schedule.expression``),
    empty when the fault lies in the document as a whole.
    """

    field: str
    message: str

    def under(self, parent: str) -> Fault:
        """Return the same fault seen from the document that holds *parent*."""
        return Fault(f"{parent}.{self.field}" if self.field else parent, self.message)


class SolocronError(Exception):
    """Root of all of Solocron's own errors."""


class InvalidInput(SolocronError, ValueError):
    """Something the caller sent is wrong; nothing was changed.  Lists every fault found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "; ".join(f"{f.field}: {f.message}" if f.field else f.message for f in self.faults)
        )


class InvalidSchedule(InvalidInput):
    """A schedule that cannot be read, can never fire, or names an unknown zone."""


class InvalidJob(InvalidInput):
    """A job definition that breaks a rule of its own fields."""


class InvalidCalendar(InvalidInput):
    """A calendar that breaks a rule of its own fields; faults in ``ics`` name the event."""


class InvalidSecret(InvalidInput):
    """A secret whose name or value cannot be taken; no message repeats the value."""


class InvalidToken(InvalidInput):
    """An API token that cannot be made as asked: its name, a scope, or its end."""


class InvalidChannel(InvalidInput):
    """A channel that breaks a rule of its own fields; no message repeats a credential."""


class InvalidCommand(InvalidInput):
    """A command document that does not decode; it was sent by a newer or a broken sender."""


class JobNotFound(SolocronError, LookupError):
    """No job has this id or name."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"there is no job {job!r}")


class RevisionNotFound(SolocronError, LookupError):
    """The job has no former revision of this number: it is the present one, too old, or none."""

    def __init__(self, job: str, revision: int) -> None:
        self.job, self.revision = job, revision
        super().__init__(f"no former revision {revision} of job {job!r} is kept")


class NamedNotFound(SolocronError, LookupError):
    """There is no named resource of this kind and name."""

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"there is no {what} {name!r}")


class NotificationNotFound(SolocronError, LookupError):
    """No notification has this id (it never existed, or retention removed it)."""

    def __init__(self, notification: str) -> None:
        self.notification = notification
        super().__init__(f"there is no notification {notification!r}")


class RunNotFound(SolocronError, LookupError):
    """No run has this id (it never existed, or retention removed it)."""

    def __init__(self, run: str) -> None:
        self.run = run
        super().__init__(f"there is no run {run!r}")


class CommandNotFound(SolocronError, LookupError):
    """No command has this id (it never existed, or its result has expired)."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(f"there is no command {command!r}")


class Conflict(SolocronError):
    """The request is sound but the present state refuses it."""


class NameTaken(Conflict):
    """Another job already has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"a job named {name!r} exists already; PUT /v1/jobs/{name} changes it")


class TokenExists(Conflict):
    """A token of this name is in force."""

    def __init__(self, token: str) -> None:
        self.token = token
        super().__init__(f"a token named {token!r} exists already; revoke it or take another name")


class NamedInUse(Conflict):
    """Something uses the named resource that is to be deleted."""

    def __init__(self, what: str, name: str, jobs: Sequence[str], count: int) -> None:
        more = f" and {count - len(jobs)} more" if count > len(jobs) else ""
        super().__init__(
            f"{what} {name!r} is used by {', '.join(jobs)}{more}; take it out there first"
        )


class BeyondReach(Conflict):
    """What was asked for would also change jobs that the caller's rights do not extend to."""

    def __init__(self, job: str, others: Sequence[str]) -> None:
        super().__init__(
            f"deleting {job!r} would change jobs that your rights do not extend to, because they "
            f"name it: {', '.join(others)}"
        )


class NoSecretKey(Conflict):
    """Secrets can be neither sealed nor opened, because the installation has no key for them."""

    def __init__(self) -> None:
        super().__init__(
            "secrets need a key: make one with `openssl rand -base64 32`, set it as "
            "SOLOCRON_SECRET_KEY for every instance, and start them again"
        )


class RevisionConflict(Conflict):
    """What is to be changed was changed by somebody else since the caller read it."""

    def __init__(self, job: str, expected: int, current: int, what: str = "job") -> None:
        self.job, self.expected, self.current = job, expected, current
        super().__init__(
            f"{what} {job!r} is at revision {current}, not {expected}; read it again and retry"
        )


class JobUnreadable(Conflict):
    """The job's record is damaged: it can be replaced, restored and deleted, and nothing else."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"the record of job {job!r} cannot be read; PUT it anew or DELETE it")


class RunRefused(Conflict):
    """A manual run was refused by one of the job's policies."""

    def __init__(self, job: str, reason: str) -> None:
        self.job, self.reason = job, reason
        super().__init__(f"job {job!r} was not started: {reason}")


class NotWatched(Conflict):
    """Pings are for jobs with a target of kind ``watched``; this one is run here."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"job {job!r} is not watched: its target is of another kind")


class CommandReused(Conflict):
    """An idempotency key came back with a different request."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__("this Idempotency-Key was used for a different request; send a new key")


class IllegalTransition(Conflict):
    """A run's state does not allow this event; the run is unchanged."""

    def __init__(self, run: str, state: str, event: str) -> None:
        self.run, self.state, self.event = run, state, event
        super().__init__(f"run {run!r} is {state}; {event} is not possible")


class SecretUnreadable(SolocronError):
    """A sealed value does not open: another key, or damage.  Runs that need it fail.

    Not retryable.  ``why`` says what the operator can do; it repeats nothing of the value.
    """

    def __init__(self, secret: str, why: str) -> None:
        self.secret, self.why = secret, why
        super().__init__(f"secret {secret!r} cannot be read: {why}")


class Flaw(StrEnum):
    """What is wrong with credentials, for programs that tell it in words of their own."""

    UNKNOWN = "unknown"
    ISSUER = "issuer"
    NO_EXPIRY = "no_expiry"
    EXPIRED = "expired"
    CLAIMS = "claims"


class CredentialsRefused(SolocronError):
    """What a caller identifies himself by does not count; ``why`` repeats nothing secret of it."""

    def __init__(self, why: str, flaw: Flaw = Flaw.UNKNOWN) -> None:
        self.why, self.flaw = why, flaw
        super().__init__(why)


class StaleTerm(SolocronError):
    """A write was fenced off: the store has seen a newer term than the writer's.

    Not retryable.  The holder must stop deciding at once.
    """

    def __init__(self, held: int, current: int) -> None:
        self.held, self.current = held, current
        super().__init__(f"term {held} is over: the store is at term {current}")


class Unavailable(SolocronError):
    """The surroundings did not answer; trying again later is safe."""


class StoreUnavailable(Unavailable):
    """The store did not answer.  A write may or may not have happened; repeating it is safe."""


class SchemaTooNew(SolocronError):
    """The store was written by a newer Solocron; this one must not touch it."""

    def __init__(self, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"the store has schema {found}, this version knows {known}; start a newer Solocron"
        )


class BrokerUnavailable(Unavailable):
    """The broker did not answer.  A publish may or may not have arrived."""


class IssuerUnavailable(Unavailable):
    """The identity provider does not say which keys it signs with; its tokens cannot be judged."""


class NoExecutor(Unavailable):
    """No instance is executing at the moment; nothing was sent."""


class ConfigError(SolocronError):
    """The environment holds settings that cannot be used; lists every fault at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{f.field}: {f.message}" for f in self.faults))
