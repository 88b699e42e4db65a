"""What each route needs: one table, and what follows from it for a caller.

A test compares the table with the routes.  A route that is missing here nevertheless needs
``admin``: what was forgotten is closed, not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from executor.domain.access import Caller, Scope
from executor.domain.errors import CredentialsRefused
from web.narrowed import NarrowedReaders
from web.problems import Problem
from web.services import Services

#: What is named in challenges.
REALM: Final = "solocron"


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller needs.

    Attributes:
        scopes: all of these; with none of them it is enough to be somebody.
        whole: rights that are narrowed to a tag do not do.
        public: nothing is needed at all.
    """

    scopes: tuple[Scope, ...] = ()
    whole: bool = False
    public: bool = False


def _need(*scopes: Scope) -> Need:
    return Need(scopes)


def _whole(*scopes: Scope) -> Need:
    return Need(scopes, whole=True)


PUBLIC: Final = Need(public=True)
ANYBODY: Final = Need()
ADMIN: Final = _need(Scope.ADMIN)

#: The page shows jobs and runs.
PAGE: Final = _need(Scope.JOBS_READ, Scope.RUNS_READ)

#: A form in which a job is written shows what it is.
WRITING: Final = _need(Scope.JOBS_READ, Scope.JOBS_WRITE)

NEEDS: Final[Mapping[str, Need]] = {
    "GET /": PAGE,
    "GET /ui/overview": PAGE,
    "GET /ui/jobs": PAGE,
    "POST /ui/jobs": _need(Scope.JOBS_WRITE),
    "GET /ui/jobs/new": WRITING,
    "POST /ui/jobs/new": WRITING,
    "GET /ui/jobs/{job}": PAGE,
    "GET /ui/jobs/{job}/edit": WRITING,
    "POST /ui/jobs/{job}/edit": WRITING,
    "POST /ui/jobs/{job}/trigger": _need(Scope.RUNS_WRITE),
    "GET /ui/jobs/{job}/backfill": _need(Scope.JOBS_READ, Scope.RUNS_READ, Scope.RUNS_WRITE),
    "POST /ui/jobs/{job}/backfill": _need(Scope.RUNS_WRITE),
    "POST /ui/jobs/{job}/pause": _need(Scope.JOBS_WRITE),
    "POST /ui/jobs/{job}/resume": _need(Scope.JOBS_WRITE),
    "POST /ui/jobs/{job}/revisions/{revision}/restore": _need(Scope.JOBS_WRITE),
    "GET /ui/runs": PAGE,
    "GET /ui/runs/{run}": PAGE,
    "POST /ui/runs/{run}/cancel": _need(Scope.RUNS_WRITE),
    "POST /ui/runs/{run}/again": _need(Scope.RUNS_WRITE),
    # As the description itself, which they show.
    "GET /docs": PUBLIC,
    "GET /docs/{part}": PUBLIC,
    "GET /docs/schemas/{schema}": PUBLIC,
    # The pages about what jobs use need what the API asks for the same.
    "GET /ui/calendars": _need(Scope.JOBS_READ),
    "GET /ui/calendars/{calendar}": _need(Scope.JOBS_READ),
    "GET /ui/calendar": _whole(Scope.JOBS_WRITE),
    "POST /ui/calendar": _whole(Scope.JOBS_WRITE),
    "POST /ui/calendars/{calendar}": _whole(Scope.JOBS_WRITE),
    "POST /ui/calendars/{calendar}/delete": _whole(Scope.JOBS_WRITE),
    "GET /ui/secrets": _need(Scope.JOBS_READ),
    "GET /ui/secrets/{secret}": _need(Scope.JOBS_READ),
    "POST /ui/secrets": _whole(Scope.JOBS_WRITE),
    "POST /ui/secrets/{secret}/delete": _whole(Scope.JOBS_WRITE),
    "GET /ui/channels": _need(Scope.JOBS_WRITE),
    "GET /ui/channels/{channel}": _need(Scope.JOBS_WRITE),
    "GET /ui/channel": _whole(Scope.JOBS_WRITE),
    "POST /ui/channel": _whole(Scope.JOBS_WRITE),
    "POST /ui/channels/{channel}": _whole(Scope.JOBS_WRITE),
    "POST /ui/channels/{channel}/test": _whole(Scope.JOBS_WRITE),
    "POST /ui/channels/{channel}/delete": _whole(Scope.JOBS_WRITE),
    "GET /ui/notifications": _whole(Scope.JOBS_READ),
    "GET /ui/workers": PAGE,
    "GET /ui/audit": ADMIN,
    "GET /ui/tokens": ADMIN,
    "POST /ui/tokens": ADMIN,
    "POST /ui/tokens/{token}/revoke": ADMIN,
    "GET /ui/settings": ADMIN,
    # Whoever logs in is nobody yet; logging out asks for the session itself.
    "GET /login": PUBLIC,
    "POST /login": PUBLIC,
    "GET /login/start": PUBLIC,
    "GET /login/callback": PUBLIC,
    "POST /logout": PUBLIC,
    "GET /v1/login": PUBLIC,
    "GET /v1/caller": ANYBODY,
    "GET /openapi.json": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /v1/status": ANYBODY,
    "GET /v1/commands/{command}": ANYBODY,
    "GET /v1/jobs": _need(Scope.JOBS_READ),
    "POST /v1/jobs": _need(Scope.JOBS_WRITE),
    # Each item is narrowed by the executor, as a single change is.
    "POST /v1/batch": _need(Scope.JOBS_WRITE),
    "GET /v1/jobs/{job}": _need(Scope.JOBS_READ),
    "PUT /v1/jobs/{job}": _need(Scope.JOBS_WRITE),
    "PATCH /v1/jobs/{job}": _need(Scope.JOBS_WRITE),
    "DELETE /v1/jobs/{job}": _need(Scope.JOBS_WRITE),
    "POST /v1/jobs/{job}/pause": _need(Scope.JOBS_WRITE),
    "POST /v1/jobs/{job}/resume": _need(Scope.JOBS_WRITE),
    "POST /v1/jobs/{job}/trigger": _need(Scope.RUNS_WRITE),
    "POST /v1/jobs/{job}/backfill": _need(Scope.RUNS_WRITE),
    "GET /v1/jobs/{job}/upcoming": _need(Scope.JOBS_READ),
    "GET /v1/jobs/{job}/explain": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "GET /v1/jobs/{job}/revisions": _need(Scope.JOBS_READ),
    "GET /v1/jobs/{job}/revisions/{revision}": _need(Scope.JOBS_READ),
    "POST /v1/jobs/{job}/revisions/{revision}/restore": _need(Scope.JOBS_WRITE),
    "GET /v1/jobs/{job}/runs": _need(Scope.RUNS_READ),
    "GET /v1/runs": _need(Scope.RUNS_READ),
    "GET /v1/runs/{run}": _need(Scope.RUNS_READ),
    "GET /v1/runs/{run}/output": _need(Scope.RUNS_READ),
    "POST /v1/runs/{run}/cancel": _need(Scope.RUNS_WRITE),
    # The run's own token is asked for, by the handler.
    "POST /v1/runs/{run}/status": PUBLIC,
    # Whoever knows a job's key may ping, and nothing else.
    "GET /ping/{key}": PUBLIC,
    "POST /ping/{key}": PUBLIC,
    "GET /ping/{key}/{signal}": PUBLIC,
    "POST /ping/{key}/{signal}": PUBLIC,
    "POST /v1/jobs/{job}/ping_url": _need(Scope.JOBS_WRITE),
    "POST /v1/schedules/preview": ANYBODY,
    "GET /v1/load": _whole(Scope.JOBS_READ),
    "GET /v1/calendars": _need(Scope.JOBS_READ),
    "GET /v1/calendars/{calendar}": _need(Scope.JOBS_READ),
    "PUT /v1/calendars/{calendar}": _whole(Scope.JOBS_WRITE),
    "DELETE /v1/calendars/{calendar}": _whole(Scope.JOBS_WRITE),
    "GET /v1/secrets": _need(Scope.JOBS_READ),
    "GET /v1/secrets/{secret}": _need(Scope.JOBS_READ),
    "PUT /v1/secrets/{secret}": _whole(Scope.JOBS_WRITE),
    "DELETE /v1/secrets/{secret}": _whole(Scope.JOBS_WRITE),
    # What a channel says of people and hosts is for those who write jobs.
    "GET /v1/channels": _need(Scope.JOBS_WRITE),
    "GET /v1/channels/{channel}": _need(Scope.JOBS_WRITE),
    "PUT /v1/channels/{channel}": _whole(Scope.JOBS_WRITE),
    "DELETE /v1/channels/{channel}": _whole(Scope.JOBS_WRITE),
    "POST /v1/channels/{channel}/test": _whole(Scope.JOBS_WRITE),
    "GET /v1/notifications": _whole(Scope.JOBS_READ),
    "GET /v1/notifications/{notification}": _whole(Scope.JOBS_READ),
    "GET /v1/tokens": ADMIN,
    "POST /v1/tokens": ADMIN,
    "DELETE /v1/tokens/{token}": ADMIN,
    "GET /v1/audit": ADMIN,
    # Of Kala, which shows the runs of a job with it.
    "GET /api/v1/job/": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "GET /api/v1/job/{job}/": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "GET /api/v1/job/stats/{job}/": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "GET /api/v1/stats/": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "POST /api/v1/job/": _need(Scope.JOBS_WRITE),
    "DELETE /api/v1/job/{job}/": _need(Scope.JOBS_WRITE),
    "DELETE /api/v1/job/all/": _need(Scope.JOBS_WRITE),
    "POST /api/v1/job/disable/{job}/": _need(Scope.JOBS_WRITE),
    "POST /api/v1/job/enable/{job}/": _need(Scope.JOBS_WRITE),
    "POST /api/v1/job/start/{job}/": _need(Scope.RUNS_WRITE),
    "GET /webui/": PAGE,
    # Of simple-scheduler.
    "GET /api/status": PUBLIC,
    "GET /api/jobs": _need(Scope.JOBS_READ),
    "POST /api/jobs": _need(Scope.JOBS_WRITE),
    "GET /api/jobs/{job}": _need(Scope.JOBS_READ),
    "PATCH /api/jobs/{job}": _need(Scope.JOBS_WRITE),
    "DELETE /api/jobs/{job}": _need(Scope.JOBS_WRITE),
    "GET /api/runs": _need(Scope.RUNS_READ),
    "GET /api/runs/{run}": _need(Scope.RUNS_READ),
    "GET /api/runs/{run}/cancel": _need(Scope.RUNS_WRITE),
    "POST /api/runs/{run}/cancel": _need(Scope.RUNS_WRITE),
    # Of ha-jobs.
    "GET /jobs": _need(Scope.JOBS_READ),
    "GET /jobs/{job}": _need(Scope.JOBS_READ, Scope.RUNS_READ),
    "POST /jobs/{job}": _need(Scope.RUNS_WRITE),
    "DELETE /jobs/{job}": _need(Scope.RUNS_WRITE),
    "GET /jobs/{job}/latest": _need(Scope.RUNS_READ),
    "GET /jobs/{job}/{run}": _need(Scope.RUNS_READ),
    "GET /jobsOverview": PAGE,
}


def need_of(method: str, path: str) -> Need:
    """Return what *method* at *path*, written as in OpenAPI, needs."""
    return NEEDS.get(f"{method} {path}", ADMIN)


def narrowed(
    services: Services, caller: Caller, need: Need
) -> tuple[Services, tuple[str, ...] | None]:
    """Return *services* as far as *caller* may see them, and the tags he is narrowed to.

    Raises:
        MissingScopes: he lacks a scope, or has it for some jobs only where that does not do.
    """
    missing = [scope for scope in need.scopes if not caller.has(scope)]
    if missing:
        raise MissingScopes(missing, f"this needs the scope {' and '.join(missing)}", caller)
    tags = caller.tags(need.scopes)
    if tags is None:
        return services, None
    if need.whole:
        detail = f"this needs the scope {' and '.join(need.scopes)} without a tag"
        raise MissingScopes(list(need.scopes), detail, caller)
    return replace(services, readers=NarrowedReaders(services.readers, tags)), tags


def permits(caller: Caller, need: Need) -> bool:
    """Whether :func:`narrowed` lets *caller* through; for what is offered to him."""
    if not all(map(caller.has, need.scopes)):
        return False
    return not need.whole or caller.tags(need.scopes) is None


class NotAccepted(Problem):
    """What the caller identifies himself by does not count; *flaw* names what is wrong with it."""

    def __init__(self, error: CredentialsRefused) -> None:
        self.flaw = error.flaw
        challenge = f'Bearer realm="{REALM}", error="invalid_token"'
        super().__init__(
            HTTPStatus.UNAUTHORIZED,
            f"{error.why}; send another token",
            headers={"WWW-Authenticate": challenge},
        )


class MissingScopes(Problem):
    """The caller lacks *missing*, or has it for some jobs only."""

    def __init__(self, missing: list[Scope], detail: str, caller: Caller) -> None:
        self.missing = missing
        rights = ", ".join(sorted(map(str, caller.rights))) or "none"
        scopes = " ".join(missing)
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{scopes}"'
        super().__init__(
            HTTPStatus.FORBIDDEN,
            f"{detail}; {caller.actor} has {rights}",
            headers={"WWW-Authenticate": challenge},
        )
