"""Who may do what: scopes, the tags they are narrowed to, and the caller who holds them.

Words
-----
scope
    A kind of thing one may do: ``jobs:read``, ``jobs:write``, ``runs:read``, ``runs:write``,
    ``admin``.
right
    A scope, as it is granted: ``jobs:write`` for every job, ``jobs:write#team-a`` for the jobs
    that carry the tag ``team-a`` and their runs.

Rules
-----
1. To write includes to read: who may change a job sees what it became.
2. ``admin`` includes everything and cannot be narrowed.
3. Several rights add up: the tags of all that include a scope count together.
4. What does not belong to a single job (a calendar, a secret) needs a right that is not narrowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Separates a scope from the tag that it is narrowed to.  No scope holds it, a tag may.
NARROWS: Final = "#"

#: Characters of a tag at most, as in a job's ``tags``.
_LONGEST_TAG: Final = 100


class Scope(StrEnum):
    """What one may be allowed to do."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    ADMIN = "admin"


#: scope -> the scopes that include it.
_INCLUDED_IN: Final = {
    Scope.JOBS_READ: frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.ADMIN}),
    Scope.JOBS_WRITE: frozenset({Scope.JOBS_WRITE, Scope.ADMIN}),
    Scope.RUNS_READ: frozenset({Scope.RUNS_READ, Scope.RUNS_WRITE, Scope.ADMIN}),
    Scope.RUNS_WRITE: frozenset({Scope.RUNS_WRITE, Scope.ADMIN}),
    Scope.ADMIN: frozenset({Scope.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Right:
    """One scope, for the jobs that carry *tag*; None: for everything."""

    scope: Scope
    tag: str | None = None

    def __str__(self) -> str:
        return self.scope.value if self.tag is None else f"{self.scope}{NARROWS}{self.tag}"


def right_from_text(text: str) -> Right:
    """Read a right.

    Raises:
        ValueError: it is none; the message says what to write instead.

    >>> right_from_text("jobs:write#team-a")
    Right(scope=<Scope.JOBS_WRITE: 'jobs:write'>, tag='team-a')
    """
    name, narrowed, tag = text.partition(NARROWS)
    try:
        scope = Scope(name)
    except ValueError:
        raise ValueError(
            f"{text[:100]!r} is no scope; use {', '.join(Scope)}, "
            f"all but {Scope.ADMIN} with {NARROWS} and a tag after it if wanted"
        ) from None
    if not narrowed:
        return Right(scope)
    if scope is Scope.ADMIN:
        raise ValueError(f"{Scope.ADMIN} cannot be narrowed to a tag; use the other scopes")
    if not 1 <= len(tag) <= _LONGEST_TAG or "\x00" in tag:
        raise ValueError(f"after {NARROWS} a tag of 1 to {_LONGEST_TAG} characters is expected")
    return Right(scope, tag)


def known_rights(texts: Iterable[str]) -> frozenset[Right]:
    """Return the rights among *texts*; others, as an identity provider grants them, are left out.

    >>> sorted(map(str, known_rights(["openid", "runs:read", "admin#x"])))
    ['runs:read']
    """
    found = set()
    for text in texts:
        try:
            found.add(right_from_text(text))
        except ValueError:
            continue
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        actor: as the audit names it: ``token:NAME``, ``oidc:SUBJECT``, ``admin`` (the token of
            the environment), ``local`` where nobody has to say who he is.
        address: the client's address, as far as trusted proxies tell it.
        rights: everything that he may do.
    """

    actor: str
    address: str = ""
    rights: frozenset[Right] = frozenset()

    def has(self, scope: Scope) -> bool:
        """Whether the caller has *scope*, be it narrowed."""
        return any(right.scope in _INCLUDED_IN[scope] for right in self.rights)

    def tags(self, scopes: Iterable[Scope]) -> tuple[str, ...] | None:
        """Return the tags to which the caller is narrowed in all of *scopes*; None: to none.

        An empty tuple means that no job is left.
        """
        left: set[str] | None = None
        for scope in scopes:
            rights = [right for right in self.rights if right.scope in _INCLUDED_IN[scope]]
            if any(right.tag is None for right in rights):
                continue
            tags = {right.tag for right in rights if right.tag is not None}
            left = tags if left is None else left & tags
        return None if left is None else tuple(sorted(left))


#: The rights of who may do everything.
EVERYTHING: Final = frozenset({Right(Scope.ADMIN)})
