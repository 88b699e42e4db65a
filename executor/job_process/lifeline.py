"""How a process of a job ends with the service, however the service went.

The lifeline is the reading end of a pipe that nobody writes to.  When the service dies the
kernel closes the other end and, as told here, kills this process group for it: no thread
waits, and no code of the job can be in the way.

Source: fcntl(2), F_SETOWN, F_SETSIG and O_ASYNC.
"""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress
from typing import Final

#: Which signal tells that a descriptor is ready; Python has no name for it.
_F_SETSIG: Final = 10


def tie(lifeline: int) -> None:
    """Let the kernel kill this whole group when the service is gone.

    Args:
        lifeline: an open file of this process's own, because whom to signal is kept with it.
    """
    os.set_inheritable(lifeline, False)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        # The end of the file: it was gone before that was told.
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)
