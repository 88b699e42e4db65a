"""A private RabbitMQ, started from the files of Debian's ``rabbitmq-server``.

The package's own start script refuses to run for anybody but its service user
and shares one node name and one ``epmd`` per machine.  So the server's inner
script is run directly, with everything private: node name, ports, folders,
cookie and an ``epmd`` in the foreground.  Measured on two cores: ready in 4 to
6 seconds, 150 MB of memory.

What ``kill -9`` spares: confirmed persistent messages on durable queues, but not
always a queue that was declared a moment before, with all that is on it (one in
ten, measured).  :meth:`RabbitMQ.await_durable` waits for the declaration.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]

from tests.servers.authority import Authority
from tests.servers.process import STOP_TIMEOUT_S, Server, ServerMissingError, accepts, end, launch
from tests.servers.reservation import reserve_port
from tests.waiting import eventually

#: Where Debian and its relatives put RabbitMQ.
LIBRARY = Path("/usr/lib/rabbitmq/lib")

_INSTALL = "install Debian's rabbitmq-server, or set TEST_RABBITMQ_URL"

#: Two schedulers and few helper threads, which sleep when they have nothing to do: several
#: brokers share two cores.  Source: rabbitmq.com/docs/runtime, "Thread Busy Waiting".
#: Distribution on loopback only, by the epmd that was started for it.
_VM_ARGUMENTS = (
    "+S 2:2 +SDcpu 1:1 +SDio 1 +A 2 +sbwt none +sbwtdcpu none +sbwtdio none "
    "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
)


def server_script() -> Path:
    """Return the start script of the newest RabbitMQ on this machine.

    Raises:
        ServerMissingError: There is none, or Erlang is missing.
    """
    scripts = sorted(LIBRARY.glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not scripts:
        raise ServerMissingError(f"RabbitMQ is not on this machine: {_INSTALL}")
    for program in ("erl", "epmd"):
        if shutil.which(program) is None:
            raise ServerMissingError(f"Erlang's {program} is not on this machine: {_INSTALL}")
    return scripts[-1]


class RabbitMQ(Server):
    """One RabbitMQ node.

    Args:
        bind: The address it listens on for clients.
        host: The address its URL names.
        settings: Lines of ``rabbitmq.conf``: ``{"consumer_timeout": "10000"}``.
            Consumers are checked every ``channel_tick_interval``, which only
            *advanced* can set.
        advanced: The whole of ``advanced.config``:
            ``"[{rabbit, [{channel_tick_interval, 1000}]}]."``.
        authority: It speaks TLS, too, with a certificate of this one.
        managed: It has the management plugin, at ``management_port``; that takes it two seconds
            more to be ready, and 50 MB.

    Raises:
        ServerMissingError: RabbitMQ is not on this machine.
    """

    def __init__(
        self,
        *,
        bind: str = "127.0.0.1",
        host: str | None = None,
        settings: Mapping[str, str] | None = None,
        advanced: str = "[].",
        authority: Authority | None = None,
        managed: bool = False,
    ) -> None:
        self._script = server_script()
        super().__init__("rabbitmq", bind=bind, host=host)
        self._settings = dict(settings or {})
        self._tls_port = self.reserve_port()
        if authority is not None:
            self._settings |= {
                "listeners.ssl.1": f"{self.bind}:{self._tls_port}",
                "ssl_options.cacertfile": str(authority.ca),
                "ssl_options.certfile": str(authority.certificate),
                "ssl_options.keyfile": str(authority.key),
                "ssl_options.verify": "verify_none",
            }
        self._advanced = advanced
        self._managed = managed
        if managed:
            self.management_port = self.reserve_port()
            self._settings |= {
                "management.tcp.port": str(self.management_port),
                "management.tcp.ip": self.bind,
                # Milliseconds until the plugin tells of what has happened.
                "collect_statistics_interval": "500",
            }
        self._epmd: subprocess.Popen[bytes] | None = None
        # They listen on loopback, wherever the broker listens.
        self._distribution = reserve_port()
        self._epmd_port = reserve_port()
        self._ports += [self._distribution, self._epmd_port]

    @property
    def url(self) -> str:
        """The AMQP URL of its default virtual host."""
        return self.url_at(self.host)

    def url_at(self, host: str) -> str:
        """Return the URL for somebody who sees the broker at another address."""
        return f"amqp://guest:guest@{host}:{self.port}/%2F"

    def tls_url_at(self, host: str) -> str:
        """Return the URL for somebody who speaks TLS with it as *host*."""
        return f"amqps://guest:guest@{host}:{self._tls_port}/%2F"

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return the inner start script; it becomes the VM by ``exec``."""
        settings = {
            "listeners.tcp.1": f"{self.bind}:{self.port}",
            # guest may come from another network namespace.
            "loopback_users": "none",
            "num_acceptors.tcp": "2",
            "disk_free_limit.absolute": "50MB",
            **self._settings,
        }
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        files = {
            "rabbitmq.conf": lines,
            "advanced.config": f"{self._advanced}\n",
            "enabled_plugins": "[rabbitmq_management].\n" if self._managed else "[].\n",
        }
        folder = self._folder.path
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return ["sh", str(self._script), "-noinput"], {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **self._epmd_environment(),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": f"solocron-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution.number),
            "RABBITMQ_BASE": str(folder),
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _VM_ARGUMENTS,
            # With -noinput: no shell stays between us and the VM, the pid is the VM's.
            "RABBITMQ_ALLOW_INPUT": "1",
        }

    def begin(self) -> None:
        """Start the broker, and its ``epmd`` if that does not run yet."""
        if self._epmd is None or self._epmd.poll() is not None:
            with self.log.open("ab") as log:
                self._epmd = launch(
                    ["epmd", "-port", str(self._epmd_port.number), "-address", "127.0.0.1"],
                    env={"PATH": os.environ["PATH"], **self._epmd_environment()},
                    output=log,
                )
            eventually(
                lambda: accepts("127.0.0.1", self._epmd_port.number),
                STOP_TIMEOUT_S,
                "epmd accepts connections",
            )
        super().begin()

    def answers(self) -> bool:
        """Tell whether it lets a client in."""
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except pika.exceptions.AMQPError:
            return False
        return True

    def control(self, *words: str) -> None:
        """Run ``rabbitmqctl``."""
        argv, environment = self.command()
        tool = Path(argv[1]).with_name("rabbitmqctl")
        subprocess.run([tool, *words], env=environment, check=True, capture_output=True, timeout=60)

    def await_durable(self, queue: str) -> None:
        """Wait until the declaration of the durable *queue* would survive :meth:`kill`.

        Mnesia logs a transaction and then, on its own, that it was committed;
        without the second it takes the first back.
        """
        name = queue.encode()

        def declared() -> bool:
            logs = list(self.data.glob("*/LATEST.LOG"))
            text = b"".join(log.read_bytes() for log in logs)
            if name in text:
                return b"committed" in text[text.rindex(name) :]
            tables = self.data.glob("*/rabbit_durable_queue.DC*")
            # Brokers without Mnesia (4.2 and later) declare by a synced Raft log.
            return not logs or any(name in table.read_bytes() for table in tables)

        eventually(declared, STOP_TIMEOUT_S, f"the declaration of {queue} is durable")

    def close(self) -> None:
        """Kill it and its ``epmd``, and give back its folder and ports."""
        if self._epmd is not None:
            end(self._epmd)
        super().close()

    def _epmd_environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._folder.path),  # the cookie is there
            "ERL_EPMD_PORT": str(self._epmd_port.number),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
