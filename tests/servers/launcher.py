"""Become another program that dies with its parent.

Run as ``python launcher.py PARENT_PID PROGRAM [ARGUMENT ...]``.  The kernel is
asked to kill this process as soon as the parent's thread that started it ends;
the request survives ``exec``, so whatever PROGRAM becomes is covered as well.
Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the request was made.
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
