"""The jobs that are there: fetched, and written with names where they name each other by id.

A file of jobs names others by name: ids are the service's own, and another one has others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from executor.client.connection import Connection, Refusal, path_of
from executor.domain.fields import is_job_id
from executor.domain.job import READ_ONLY

#: Jobs asked for at once; the most that the service gives.
PAGE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A job of the service.

    Attributes:
        definition: in the service's form, with names for ids; None if its record is broken.
        error: why it cannot be read, then.
    """

    id: str
    name: str
    revision: int = 0
    definition: Mapping[str, Any] | None = None
    error: str = ""

    @property
    def owner(self) -> str:
        """Whose it is; nobody's if its record is broken."""
        return str((self.definition or {}).get("owner", ""))


def fetch_jobs(
    connection: Connection, *, tag: str | None = None, owner: str | None = None
) -> list[Present]:
    """Return all jobs, or those with a tag and of an owner, in the order of their names.

    Raises:
        NoAnswer, Refusal: as :class:`Connection`.
    """
    documents: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = connection.get("/v1/jobs", limit=PAGE, cursor=cursor, tag=tag, owner=owner)
        documents += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return sorted(_all_present(connection, documents), key=lambda one: one.name)


def fetch_job(connection: Connection, name: str) -> Present | None:
    """Return the job *name*, None if there is none.

    Raises:
        NoAnswer, Refusal: as :class:`Connection`.
    """
    try:
        document = connection.get(path_of("jobs", name))
    except Refusal as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    return _all_present(connection, [document])[0]


def _all_present(connection: Connection, documents: list[dict[str, Any]]) -> list[Present]:
    names = {str(one["id"]): str(one["name"]) for one in documents}
    named = {subject for document in documents for subject in _ids_in(document)}
    for missing in sorted(named - set(names)):
        try:
            names[missing] = connection.get(path_of("jobs", missing))["name"]
        except Refusal:
            continue
    return [_present(one, names) for one in documents]


def references(definition: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield each reference to another job with its field; whatever is odd is passed over."""
    after = definition.get("after")
    jobs = after.get("jobs") if isinstance(after, dict) else None
    for place, subject in enumerate(jobs if isinstance(jobs, list) else ()):
        yield f"after.jobs.{place}", str(subject)
    handler = definition.get("on_failure")
    if isinstance(handler, str):
        yield "on_failure", handler


def with_names(definition: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return *definition* with the names of the jobs that it names by id."""
    found = dict(definition)
    if found.get("after"):
        jobs = [names.get(one, one) for one in found["after"]["jobs"]]
        found["after"] = {**found["after"], "jobs": jobs}
    if found.get("on_failure"):
        found["on_failure"] = names.get(found["on_failure"], found["on_failure"])
    return found


def _ids_in(document: dict[str, Any]) -> set[str]:
    return {subject for _, subject in references(document) if is_job_id(subject)}


def _present(document: dict[str, Any], names: Mapping[str, str]) -> Present:
    if document.get("state") == "broken":
        return Present(id=document["id"], name=document["name"], error=document["error"])
    definition = {name: value for name, value in document.items() if name not in READ_ONLY}
    return Present(
        id=document["id"],
        name=document["name"],
        revision=document["revision"],
        definition=with_names(definition, names),
    )
