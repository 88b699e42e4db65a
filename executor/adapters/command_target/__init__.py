"""Command targets: programs on the executor's machine.

``launcher`` owns the loop thread and decides what starts and ends; ``spawners`` are the
few threads that start processes; ``child`` is one process with its group, its output and
its way to an end; ``surroundings`` is what a program finds in its environment.  A program with
limits, a user or a mask of its own is started by ``confinement``, through the ``gate``;
``account`` looks the user up.

What a program may rely on
--------------------------
1. It runs in a session and process group of its own, without a terminal, with an empty
   standard input and none of the executor's files open.  Signal masks are inherited from
   the thread that made the launcher.
2. Standard output and standard error are one stream, in the order written.
3. Its environment is the executor's without Solocron's settings and credentials, then
   the job's ``env``, then ``SOLOCRON_RUN_ID``, ``_JOB``, ``_ATTEMPT``, ``_TERM``,
   ``_TRIGGER_ID`` (the idempotency key) and, if the run has one, ``_FIRE_TIME``.
4. When its time is up or somebody cancels it, its group gets SIGTERM, and SIGKILL after
   a grace period.
5. The run ends with the program.  What is left of its group then is killed: at once, or,
   as long as it holds the output open, after a moment in which to finish writing.  A
   program that means to stay must leave the group (``setsid``).
6. Its limits are set, and it is the user it is meant to be, before its first instruction.
"""

from executor.adapters.command_target.launcher import CommandLauncher

__all__ = ["CommandLauncher"]
