"""Orphans: processes whose parent died before them, such as a killed executor's commands.

On Linux an instance makes itself the reaper of all its descendants: the kernel then gives
it every orphan among them, and it can end them.  Commands run in process groups of their
own, so whole groups are killed; what left its group is an orphan by itself.  Elsewhere
nothing is adopted and nothing is found.

Source: prctl(2), PR_SET_CHILD_SUBREAPER; proc(5), /proc/pid/stat.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_PR_SET_CHILD_SUBREAPER: Final = 36

#: Seconds that killed processes get to be gone; only a hanging disk makes it longer.
_PATIENCE_S: Final = 3.0

#: Seconds between two looks at what is left.
_LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Process:
    """A child of ours: its id and its process group."""

    pid: int
    group: int


def adopt() -> None:
    """Become the parent of every orphan among our descendants, from now on."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            error = os.strerror(ctypes.get_errno())
            logger.warning(
                "orphans cannot be adopted", extra={"action": "not_subreaper", "error": error}
            )


def children() -> Iterator[Process]:
    """Yield our children, those that have ended and are not reaped yet included."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        # Processes come and go while we look.
        with suppress(OSError):
            # The name, in parentheses, may itself hold spaces and parentheses.
            after_name = entry.read_bytes().rpartition(b")")[2].split()
            if int(after_name[1]) == os.getpid():
                yield Process(int(entry.parent.name), int(after_name[2]))


def end(spare: Collection[int], reap: Callable[[], None]) -> None:
    """Kill every child but those in *spare*, with their groups, until none is left.

    Args:
        spare: process ids, leaders of their groups, that go on.
        reap: collects the children that have ended.
    """
    deadline = time.monotonic() + _PATIENCE_S
    killed: set[int] = set()
    while orphans := [child for child in children() if child.pid not in spare]:
        if time.monotonic() > deadline:
            left = [orphan.pid for orphan in orphans]
            logger.error("orphans would not die", extra={"action": "orphans_left", "pids": left})
            return
        for orphan in orphans:
            killed.add(orphan.pid)
            _kill(orphan, spare)
        reap()
        time.sleep(_LOOK_S)
    if killed:
        logger.warning("orphans killed", extra={"action": "orphans_killed", "pids": sorted(killed)})


def _kill(orphan: Process, spare: Collection[int]) -> None:
    with suppress(ProcessLookupError):
        os.kill(orphan.pid, signal.SIGKILL)
    if orphan.group not in {os.getpgrp(), *spare}:
        # It may be gone by now, or belong to somebody else who changed users.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(orphan.group, signal.SIGKILL)
