"""What a program finds in its environment.

Jobs are other people's programs: they get the executor's environment, because that is
where PATH, HOME and TZ come from, but not what the executor itself is configured with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from executor.adapters.command_target.account import Account
from executor.domain.instant import to_text
from executor.domain.run import Run
from executor.domain.targets import CommandTarget

_OWN_PREFIX: Final = "SOLOCRON_"

#: Settings that platforms name, and that hold credentials.
_SECRETS: Final = (
    "RABBITMQ_URL",
    "CLOUDAMQP_URL",
    "MONGODB_URI",
    "MONGODB_URL",
    "VCAP_SERVICES",
)

_WITHHELD: Final = frozenset(_SECRETS) | frozenset(f"{name}_FILE" for name in _SECRETS)


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what of the executor's own environment programs may see."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _WITHHELD and not name.startswith(_OWN_PREFIX)
    }


def environment_of(
    inherited_variables: Mapping[str, str],
    run: Run,
    target: CommandTarget,
    account: Account | None = None,
) -> dict[str, str]:
    """Return the whole environment of *run*'s program.

    A program that runs as another user (*account*) finds that one's home, not the service's.
    The facts about the run come last: a job cannot claim to be another one.
    """
    environment = {
        **inherited_variables,
        **_owned_by(account),
        **target.env,
        "SOLOCRON_RUN_ID": run.id,
        "SOLOCRON_JOB": run.job,
        "SOLOCRON_ATTEMPT": str(run.attempt),
        "SOLOCRON_TERM": str(run.term),
        "SOLOCRON_TRIGGER_ID": run.trigger_id or run.id,
    }
    environment.pop("SOLOCRON_FIRE_TIME", None)
    if run.fire_at is not None:
        environment["SOLOCRON_FIRE_TIME"] = to_text(run.fire_at)
    return environment


def _owned_by(account: Account | None) -> dict[str, str]:
    if account is None:
        return {}
    return {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
