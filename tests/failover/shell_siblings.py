"""Siblings made of shell scripts: ``python -m tests.failover.shell_siblings LIMIT SCRIPT ...``.

LIMIT is the time in seconds between SIGTERM and SIGKILL.
"""

import os
import sys

from executor import log
from executor.instance.siblings import Program, Siblings

if __name__ == "__main__":
    log.set_up(json_lines=False, level="info", instance="test", process="serve")
    limit, *scripts = sys.argv[1:]
    programs = [
        Program(f"script-{number}", ("/bin/sh", "-c", script))
        for number, script in enumerate(scripts)
    ]
    sys.exit(
        Siblings(programs, environ=os.environ, descriptors=(), kill_after_s=float(limit)).run()
    )
