"""Python targets: functions, each run in a process of its own.

A run is a program like any other (``command_target``): an interpreter with
``executor.job_process.runner``, in a session of its own, with the same capture of output,
limits, user, way of ending it and clean leaving.  What is added is a ``channel``, over
which it gets its plan and tells its status, and a lifeline (``starter``) that ends it with
the service, ``kill -9`` included.

What a job may rely on
----------------------
1. Its modules are found as ``python -m`` finds them: in the folder that the service was
   started in, in ``PYTHONPATH``, and among what is installed with the service.
2. It gets SIGTERM when it is to end, and SIGKILL, with its whole group, after a grace period.
3. What it prints and logs is its output, in the order written.
"""

from executor.adapters.python_target.launcher import PythonLauncher

__all__ = ["PythonLauncher"]
