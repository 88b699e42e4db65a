"""The gate: a program that confines itself and then becomes the job's.

Run by its path in a bare interpreter, with the number of a socket as its argument (see
``confinement``); it imports nothing of ours.  The limits are set by the very process that
they are for: code between fork and exec in a process with threads can deadlock, and
limits set from outside would come too late for a program that is quick.

On the socket it receives a plan and, if it cannot go on, answers what was wrong.  An end
without an answer means that the job's program has begun: the socket closes with it.

Every import counts: ``typing`` alone would take as long as the interpreter to start.
"""

from __future__ import annotations

import marshal
import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The answer where nothing more can be allocated.
_NO_MEMORY = marshal.dumps(("limits", 12, "no memory is left to start anything"))


def main(channel: int) -> None:
    """Become what the plan on *channel* says, or say why not and end with 127."""
    os.set_inheritable(channel, False)
    plan = marshal.loads(b"".join(iter(lambda: os.read(channel, 65_536), b"")))
    step = "limits"
    try:
        for step, act in ((s, a) for s, a in _STEPS if plan[s] is not None):
            act(plan[step])
    except MemoryError:
        os.write(channel, _NO_MEMORY)
    except (OSError, ValueError) as error:
        os.write(channel, marshal.dumps((step, getattr(error, "errno", None), str(error))))
    os._exit(127)


def _limit(kind: int, most: int, beyond: int = 0) -> None:
    """Lower a limit of the kernel to *most*, and its hard limit to *beyond* more."""
    _, hard = resource.getrlimit(kind)
    within = [most, most + beyond]
    if hard != resource.RLIM_INFINITY:
        within = [min(value, hard) for value in within]
    resource.setrlimit(kind, (within[0], within[1]))


def _cpu(seconds: int) -> None:
    # SIGXCPU first, which a program may use to end in order; SIGKILL a second later.
    _limit(resource.RLIMIT_CPU, seconds, beyond=1)


def _become(identity: tuple[int, int, list[int]]) -> None:
    uid, gid, groups = identity
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _execute(program: tuple[list[bytes], list[bytes], dict[bytes, bytes], int | None]) -> None:
    candidates, words, environment, memory = program
    # The interpreter ignores them, and what is ignored would stay so.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if memory is not None:
        # Last of all: the interpreter itself may need more.
        _limit(resource.RLIMIT_AS, memory)
    missing: OSError | None = None
    refused: OSError | None = None
    for candidate in candidates:
        try:
            os.execve(candidate, words, environment)
        except (FileNotFoundError, NotADirectoryError) as error:
            missing = error
        except OSError as error:
            refused = refused or error
    raise refused or missing or FileNotFoundError(2, "No such file or directory")


#: Part of the plan -> what is done about it, in this order: whatever needs privileges before
#: they are given up, and the folder with the rights of who will work in it.
_STEPS: tuple[tuple[str, Any], ...] = (
    ("umask", os.umask),
    ("cpu", _cpu),
    ("processes", lambda most: _limit(resource.RLIMIT_NPROC, most)),
    ("user", _become),
    ("cwd", os.chdir),
    ("program", _execute),
)

if __name__ == "__main__":
    main(int(sys.argv[1]))
