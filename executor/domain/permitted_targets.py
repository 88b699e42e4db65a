"""Which targets an instance takes: the operator's decision, and what is there to serve them.

Looked at wherever a job is saved, by web and again by the executor.  A job whose target was
saved before and is no longer permitted can be read, disabled and deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from executor.domain.errors import Fault
from executor.domain.permitted_programs import ALL_PROGRAMS, PermittedPrograms

if TYPE_CHECKING:
    # The settings need this module, and start faster without what reads documents.
    from executor.domain.targets import Target


@dataclass(frozen=True, slots=True)
class PermittedTargets:
    """What may be saved.

    Attributes:
        programs: what command targets may run.
        workers: whether there is a RabbitMQ by which workers are reached.
        call_backs: whether it is known where services reach this one.
    """

    programs: PermittedPrograms = ALL_PROGRAMS
    workers: bool = True
    call_backs: bool = True

    def faults(self, target: Target) -> list[Fault]:
        """Return why *target* may not be saved, by path within a job; nothing if it may."""
        if target.kind == "message" and not self.workers:
            return [
                Fault(
                    "target.kind",
                    "`message` needs RabbitMQ, which is not configured here; use another kind, or "
                    "have the operator set RABBITMQ_URL and MONGODB_URI",
                )
            ]
        if target.kind == "http" and target.callback and not self.call_backs:
            return [
                Fault(
                    "target.callback",
                    "nobody could call back: this service does not know its own address; have the "
                    "operator set SOLOCRON_URL, or leave it out",
                )
            ]
        return self.programs.faults(target)


#: No restriction, for tests.
ALL_TARGETS: Final = PermittedTargets()
