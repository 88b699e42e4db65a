"""The HTTP server: gunicorn with one worker process of several threads.

One worker, because web keeps nothing in memory that several could share and more of them
would only be more connections to broker and store; load is met with more instances.
gunicorn's parent process starts the worker again when it dies or hangs.

Everything is set here, nothing by gunicorn's own variables and files: the service is
configured in one place.  gunicorn's log lines go where all others go; requests are not
logged, proxies do that.
"""

from __future__ import annotations

import math
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from web.following import PLACES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Longest request line, bytes; longer ones are answered with 414.
LIMIT_REQUEST_LINE: Final = 8190

#: Most header fields, and bytes in each; more is answered with 431.
LIMIT_REQUEST_FIELDS: Final = 100
LIMIT_REQUEST_FIELD_SIZE: Final = 8190

#: Seconds that an idle connection is kept: longer than proxies keep theirs (60 s is
#: usual), so that none sends a request into a connection that is just being closed.
KEEPALIVE_S: Final = 75

#: Connections at the same time, idle ones included.  Below 1,024, the usual limit of open
#: files, with room for the rest.
CONNECTIONS: Final = 768

#: Seconds without a sign of life of the worker's main thread after which it is replaced.
#: Requests run on other threads and may take longer.
WORKER_TIMEOUT_S: Final = 30

#: Where a sign of life costs no disk write, if the machine has it.
_MEMORY: Final = Path("/dev/shm")


def serve(
    load: Callable[[], WSGIApplication],
    *,
    listener: socket.socket,
    threads: int,
    graceful_timeout_s: float,
    on_boot: Callable[[], None],
) -> NoReturn:
    """Serve until SIGTERM (requests are answered first) or SIGINT (at once), then exit.

    Args:
        load: returns the application; called in the worker.
        listener: the socket to accept connections from; taken over.
        threads: requests served at the same time, beside those who follow an output.
        graceful_timeout_s: seconds that requests may still take after SIGTERM.
        on_boot: called in each new worker before *load*.
    """
    options: dict[str, Any] = {
        "bind": f"fd://{listener.detach()}",
        "workers": 1,
        "worker_class": "web.worker.ProblemWorker",
        # Followers have threads of their own, so that they take none from anybody else.
        "threads": threads + PLACES,
        "worker_connections": CONNECTIONS + threads + PLACES,
        "keepalive": KEEPALIVE_S,
        "timeout": WORKER_TIMEOUT_S,
        "graceful_timeout": math.ceil(graceful_timeout_s),
        "limit_request_line": LIMIT_REQUEST_LINE,
        "limit_request_fields": LIMIT_REQUEST_FIELDS,
        "limit_request_field_size": LIMIT_REQUEST_FIELD_SIZE,
        "logger_class": _Log,
        "post_fork": lambda _arbiter, _worker: _begin(on_boot),
        "control_socket_disable": True,
        "proc_name": "solocron-web",
    }
    if os.access(_MEMORY, os.W_OK):
        options["worker_tmp_dir"] = str(_MEMORY)
    try:
        _Application(load, options).run()
    except HaltServer as halt:
        # A worker that could not start, met by gunicorn while it was stopping already.
        raise SystemExit(halt.exit_status) from None
    raise SystemExit(0)


def _begin(on_boot: Callable[[], None]) -> None:
    # Until the worker has handlers of its own it has its parent's, which would swallow
    # a SIGTERM; a stop that follows a start at once would then wait for its whole limit.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    on_boot()


class _Application(BaseApplication):  # type: ignore[misc]
    """What gunicorn runs: *options* and nothing else."""

    def __init__(self, load: Callable[[], WSGIApplication], options: dict[str, Any]) -> None:
        self._load, self._options = load, options
        super().__init__()

    def load_config(self) -> None:
        """Take the options; names that this version of gunicorn does not know are left out."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Return the application."""
        try:
            return self._load()
        except SystemExit:
            # Any other status would have the worker started again and again.
            raise SystemExit(Arbiter.APP_LOAD_ERROR) from None


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's messages on the root logger's handlers; no access log."""

    def setup(self, cfg: Any) -> None:
        """Leave gunicorn's loggers without handlers of their own."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *_: Any) -> None:
        """Log nothing."""
