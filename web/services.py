"""What web is handed: everything it needs from the rest of Solocron, and nothing else.

The value is built once, by ``executor.bootstrap`` or by a test, and shared by all
threads; every member is safe to call from several of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from executor.domain.permitted_targets import ALL_TARGETS, PermittedTargets
from executor.ports.broker import CommandSender
from executor.ports.clock import Clock
from executor.ports.keys import Sealer
from executor.ports.store import Readers
from web.following import Followers

#: Longest request body, bytes.  A definition with a long body or command fits; more is a mistake.
MAX_BODY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The world of one web process.

    Attributes:
        command_timeout_s: how long a write waits for the executor before it is answered with 202.
        instance_id: this instance, as ``/v1/status`` and the page name it.
        permitted: the targets of jobs that this instance sends on; the executor decides too.
        sealer: seals secrets before they are sent; None: there is no key.
        followers: the places of those who follow the output of runs.
        max_body: longest request body, bytes; longer ones are refused with 413.
        wait: lets so many seconds pass, in the thread of a request.
    """

    readers: Readers
    sender: CommandSender
    clock: Clock
    command_timeout_s: float
    instance_id: str
    version: str
    permitted: PermittedTargets = ALL_TARGETS
    sealer: Sealer | None = None
    followers: Followers = field(default_factory=Followers)
    max_body: int = MAX_BODY
    wait: Callable[[float], None] = time.sleep
