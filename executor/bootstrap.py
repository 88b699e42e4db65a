"""What is what: the only module that names concrete adapters.

With RabbitMQ and MongoDB given, an instance is one of a cluster; without, the same
engine runs on files in the data folder.  Adapters are imported where they are built: a
machine without servers never loads their drivers.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from executor import __version__
from executor.adapters.system_clock import SystemClock
from executor.config import Settings
from executor.domain.errors import ConfigError, Fault
from executor.domain.permitted_programs import PermittedPrograms

if TYPE_CHECKING:
    from executor.adapters.http_target.rules import HttpRules
    from executor.adapters.keyring import Keyring
    from executor.adapters.mongodb import MongoReaders
    from executor.adapters.sqlite import SqliteReaders
    from executor.domain.finding import Finding
    from executor.domain.targets import PythonTarget
    from executor.ports.bearers import BearerVerifier
    from executor.ports.broker import CommandIntake, CommandSender, Token
    from executor.ports.clock import Clock
    from executor.ports.code import JobCode
    from executor.ports.courier import CourierFactory
    from executor.ports.login import LoginProvider
    from executor.ports.store import ExecutorStore, Readers
    from executor.ports.target import LauncherFactory
    from executor.ports.workers import WorkerReports
    from executor.runtime.service import ExecutorService
    from executor.worker.service import WorkerService

#: The embedded store's file in the data folder.
DATABASE: Final = "solocron.db"

#: Seconds after which a call of MongoDB counts as failed: the longest that the store's
#: contract ("returns within seconds") lets a caller wait.
STORE_TIMEOUT_S: Final = 5.0


def build_clock() -> Clock:
    """Return the machine's clock."""
    return SystemClock()


def _broker(settings: Settings) -> str | None:
    """Return the broker's URL with whom to trust there; None without a broker."""
    if settings.rabbitmq_url is None:
        return None
    from executor.adapters.rabbitmq import trusting

    return trusting(settings.rabbitmq_url, settings.rabbitmq_ca)


def build_store(settings: Settings) -> ExecutorStore:
    """Return the store, for the executor alone."""
    if settings.mongodb_uri is not None:
        from executor.adapters.mongodb import MongoStore

        return MongoStore(settings.mongodb_uri, timeout_s=STORE_TIMEOUT_S)
    from executor.adapters.sqlite import SqliteStore

    return SqliteStore(settings.data / DATABASE)


def build_readers(settings: Settings) -> Readers:
    """Return what web may ask the store, for as long as the process lives."""
    return _readers(settings)


@contextmanager
def open_readers(settings: Settings) -> Iterator[Readers]:
    """Yield what may be asked of the store, for a few questions."""
    with closing(_readers(settings)) as readers:
        yield readers


def _readers(settings: Settings) -> MongoReaders | SqliteReaders:
    if settings.mongodb_uri is not None:
        from executor.adapters.mongodb import MongoReaders

        return MongoReaders(settings.mongodb_uri)
    from executor.adapters.sqlite import SqliteReaders

    return SqliteReaders(settings.data / DATABASE)


def build_token(settings: Settings) -> Token:
    """Return the executor's end of the token."""
    if (url := _broker(settings)) is not None:
        from executor.adapters.rabbitmq import RabbitToken

        return RabbitToken(
            url,
            instance_id=settings.instance,
            prefix=settings.prefix,
            queue_type=settings.queue_type,
        )
    from executor.adapters.local import LocalToken

    return LocalToken(settings.data, settings.instance)


def build_intake(settings: Settings) -> CommandIntake:
    """Return the executor's end of the command queue."""
    if (url := _broker(settings)) is not None:
        from executor.adapters.rabbitmq import RabbitIntake

        return RabbitIntake(url, prefix=settings.prefix, queue_type=settings.queue_type)
    from executor.adapters.local import LocalIntake

    return LocalIntake(settings.data)


def build_sender(settings: Settings) -> CommandSender:
    """Return web's end of the command queue."""
    if (url := _broker(settings)) is not None:
        from executor.adapters.rabbitmq import RabbitSender

        return RabbitSender(url, prefix=settings.prefix, queue_type=settings.queue_type)
    from executor.adapters.local import LocalSender

    return LocalSender(settings.data)


def build_examination(settings: Settings) -> Iterator[Finding]:
    """Return what is to be seen of store and broker from outside, found as it is asked for."""
    if settings.mongodb_uri is not None:
        from executor.adapters.mongodb import examination as of_mongodb

        yield from of_mongodb.examine(settings.mongodb_uri)
    else:
        from executor.adapters.sqlite import examination as of_sqlite

        yield from of_sqlite.examine(settings.data)
    if settings.rabbitmq_url is not None:
        from executor.adapters.rabbitmq import examination as of_rabbitmq

        queue_type = settings.queue_type
        yield from of_rabbitmq.examine(settings.rabbitmq_url, settings.prefix, queue_type)


def build_keyring(settings: Settings) -> Keyring | None:
    """Return what seals and opens secrets; None if no key is set."""
    keys = [key for key in (settings.secret_key, settings.secret_key_old) if key is not None]
    if not keys:
        return None
    from executor.adapters.keyring import Keyring

    return Keyring(keys)


def build_login(settings: Settings) -> tuple[BearerVerifier | None, LoginProvider | None]:
    """Return what judges the identity provider's tokens, and what has browsers log in there.

    None where there is no provider, or this service is no client of it.
    """
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None, None
    from executor.adapters.oidc import Issuer, OidcLogin, OidcVerifier
    from executor.openid import Client

    clock = build_clock()
    issuer = Issuer(settings.oidc_issuer, clock)
    verifier = OidcVerifier(issuer, settings.oidc_audience, clock)
    if settings.oidc_client_id is None:
        return verifier, None
    client = Client(settings.oidc_client_id, settings.oidc_client_secret)
    scopes, audience = settings.oidc_scopes, settings.oidc_audience
    return verifier, OidcLogin(issuer, verifier, client, scopes=scopes, audience=audience)


def _http_rules(settings: Settings) -> HttpRules:
    from executor.adapters.http_target.rules import HttpRules
    from executor.config import Proxies

    return HttpRules(
        refusal=settings.http_targets.refusal,
        per_host=settings.http_per_host,
        environment_proxies=settings.http_proxies is Proxies.ENVIRONMENT,
    )


def build_couriers(settings: Settings, clock: Clock) -> CourierFactory:
    """Return what makes the courier of all kinds of channels, once its listener exists."""
    from executor.adapters.courier import Couriers

    rules, keyring = _http_rules(settings), build_keyring(settings)
    return lambda listener: Couriers(listener, clock, http=rules, opener=keyring)


def build_launchers(settings: Settings, clock: Clock) -> LauncherFactory:
    """Return what makes the launcher of all kinds of targets, once its listener exists."""
    from executor.adapters.launchers import Launchers

    rules = _http_rules(settings)
    permitted = settings.permitted_programs
    keyring = build_keyring(settings)
    messages = build_message_launcher(settings, clock)
    return lambda listener: Launchers(
        listener,
        clock,
        http=rules,
        permitted=permitted,
        opener=keyring,
        messages=messages,
        url=settings.url,
    )


def build_message_launcher(settings: Settings, clock: Clock) -> LauncherFactory | None:
    """Return what makes the launcher of runs for workers; None without a broker."""
    url = _broker(settings)
    if url is None:
        return None
    from executor.adapters.rabbitmq import MessageLauncher

    return lambda listener: MessageLauncher(listener, clock, url)


def build_reports(settings: Settings, clock: Clock) -> WorkerReports | None:
    """Return the executor's end of what workers report; None without a broker."""
    url = _broker(settings)
    if url is None:
        return None
    from executor.adapters.rabbitmq import RabbitReports

    return RabbitReports(url, clock, prefix=settings.prefix, queue_type=settings.queue_type)


def build_worker(
    settings: Settings, targets: Mapping[str, PythonTarget], *, prefetch: int, grace_s: float
) -> WorkerService:
    """Return a worker, ready to run; *prefetch*: runs of each job at once.

    Raises:
        ConfigError: there is no broker to take runs from.
    """
    url = _broker(settings)
    if url is None:
        raise ConfigError([Fault("RABBITMQ_URL", "is not set; a worker takes its runs from there")])
    from executor.adapters.python_target import PythonLauncher
    from executor.adapters.rabbitmq import RabbitWorkQueue
    from executor.worker.service import WorkerService

    clock = build_clock()
    permitted = PermittedPrograms(modules=tuple({target.module for target in targets.values()}))
    return WorkerService(
        queue=RabbitWorkQueue(
            url,
            clock,
            frozenset(targets),
            prefetch=prefetch,
            name=settings.instance,
            prefix=settings.prefix,
            queue_type=settings.queue_type,
        ),
        launchers=lambda listener: PythonLauncher(
            listener, clock, permitted=permitted, parallel=prefetch * len(targets)
        ),
        targets=targets,
        clock=clock,
        grace_s=grace_s,
    )


def build_job_code(settings: Settings) -> JobCode:
    """Return what asks the modules with jobs."""
    from executor.adapters.python_target.job_code import PythonJobCode

    return PythonJobCode(settings.jobs or (), settings.precondition)


def build_executor(settings: Settings) -> ExecutorService:
    """Return the executor, ready to run."""
    from executor.domain.zone import tzdata_version
    from executor.engine.timing import Options
    from executor.runtime.service import ExecutorService

    clock = build_clock()
    return ExecutorService(
        store=build_store(settings),
        token=build_token(settings),
        intake=build_intake(settings),
        launchers=build_launchers(settings, clock),
        workers=build_reports(settings, clock),
        couriers=build_couriers(settings, clock),
        clock=clock,
        code=build_job_code(settings),
        options=Options(
            instance=settings.instance,
            host=socket.gethostname(),
            version=__version__,
            tzdata=tzdata_version(),
            run_lease_s=settings.run_lease_s,
            grace_s=settings.grace_s,
            audit_kept=timedelta(seconds=settings.audit_keep_s),
            permitted=settings.permitted_targets,
            # Without modules too: the jobs of former ones are not in code any more.
            code=True,
            precondition=settings.precondition is not None,
            url=settings.url,
        ),
    )
