"""Lists of jobs: filtered, in one of several orders, part by part.

Jobs that have no value to sort by come last.  They are a list of their own, by name: so each of
the two follows an index where there is one, and stops when the part is full.
"""

from __future__ import annotations

from itertools import islice
from sqlite3 import Connection
from typing import Any, Final

from executor.adapters.cursors import JobPlace, after_job, read_job_cursor
from executor.adapters.documents import LATEST, milliseconds
from executor.adapters.job_documents import fold
from executor.adapters.sqlite.job_rows import COLUMNS, job_from_row
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.sqlite.schema import LAST_RUN
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.job import Job
from executor.domain.named import Kind
from executor.domain.secret import SECRETS
from executor.domain.uses import uses
from executor.domain.writes import BrokenJob
from executor.ports.readers import JobFilter, JobOrder, Page

#: Condition for jobs that carry at least one of the tags in a JSON list.
TAGGED: Final = """
    EXISTS (
        SELECT 1 FROM json_each(tags) AS own, json_each(?) AS wanted WHERE own.value = wanted.value
    )
"""

#: order -> the index to follow, what is sorted by, its direction, and what is later in it.
_SORTED: Final = {
    JobOrder.NEXT_FIRE: ("jobs_coming", "next_fire_at", "ASC", ">"),
    JobOrder.LAST_RUN: ("jobs_by_last_run", LAST_RUN, "DESC", "<"),
}

#: Where records are that may use a name of each kind; what does not say this cannot.  Decoding
#: takes half a millisecond a job, looking for a text some microseconds.
_MENTIONS: Final[dict[Kind[Any], tuple[str, ...]]] = {
    CALENDARS: ('"name":"{name}"',),
    SECRETS: ("secret.{name}", '"secret":"{name}"'),
    CHANNELS: ('"channel":"{name}"',),
}

#: Condition for jobs that have something to sort by; with anything but an instant they have not.
_DATED: Final = f"typeof({{key}}) = 'integer' AND {{key}} BETWEEN 0 AND {milliseconds(LATEST)}"

_Row = tuple[Any, ...]


def page(
    connection: Connection, which: JobFilter, limit: int, cursor: str | None, order: JobOrder
) -> Page[Job | BrokenJob]:
    """Return a part of the list, as the port promises."""
    place = None if cursor is None else read_job_cursor(cursor, order)
    rows: list[_Row] = []
    if order is not JobOrder.NAME and (place is None or place.key is not None):
        rows = _sorted_rows(connection, which, limit + 1, order, place)
        place = None
    if len(rows) <= limit:
        rows += _named_rows(connection, which, limit + 1 - len(rows), order, place)
    items = tuple(job_from_row(row[1:]) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(items, None)
    # The name is the second column of the record, whatever became of the rest.
    key, _, name, *_ = rows[limit - 1]
    return Page(items, after_job(order, JobPlace(key, name)))


def users(
    connection: Connection, kind: Kind[Any], name: str, which: JobFilter, limit: int
) -> list[Job]:
    """Return the jobs that use *name* of a kind, as the port promises."""
    conditions, parameters = _conditions(which)
    bare = to_json(name)[1:-1]
    mentions = [text.format(name=bare) for text in _MENTIONS.get(kind, ())]
    said = " OR ".join(["instr(document, ?)" for _ in mentions]) or "FALSE"
    # The bare name first: most records do not hold it, and are looked through once.
    conditions.append(f"instr(document, ?) AND ({said})")
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM jobs INDEXED BY jobs_by_name "
        f"WHERE {' AND '.join(conditions)} ORDER BY name",
        (*parameters, bare, *mentions),
    )
    found = (job for row in rows if isinstance(job := job_from_row(row), Job))
    return list(islice((job for job in found if uses(job.definition, kind, name)), limit))


def _sorted_rows(
    connection: Connection, which: JobFilter, limit: int, order: JobOrder, place: JobPlace | None
) -> list[_Row]:
    """Return the jobs that have what is sorted by, from *place* on."""
    index, key, direction, later = _SORTED[order]
    conditions, parameters = _conditions(which)
    conditions.append(_DATED.format(key=key))
    if place is not None:
        conditions.append(f"({key} {later} ? OR ({key} = ? AND name > ?))")
        parameters += [place.key, place.key, place.name]
    return connection.execute(
        f"SELECT {key}, {COLUMNS} FROM jobs INDEXED BY {index} "
        f"WHERE {' AND '.join(conditions)} ORDER BY {key} {direction}, name LIMIT ?",
        (*parameters, limit),
    ).fetchall()


def _named_rows(
    connection: Connection, which: JobFilter, limit: int, order: JobOrder, place: JobPlace | None
) -> list[_Row]:
    """Return by name the jobs that have nothing else to sort by, from *place* on."""
    conditions, parameters = _conditions(which)
    if order is not JobOrder.NAME:
        conditions.append(f"NOT ({_DATED.format(key=_SORTED[order][1])})")
    if place is not None:
        conditions.append("name > ?")
        parameters.append(place.name)
    return connection.execute(
        f"SELECT NULL, {COLUMNS} FROM jobs INDEXED BY jobs_by_name "
        f"WHERE {' AND '.join(conditions)} ORDER BY name LIMIT ?",
        (*parameters, limit),
    ).fetchall()


def tag_list(tags: tuple[str, ...] | None) -> str | None:
    """Return the parameter of :data:`TAGGED`."""
    return None if tags is None else to_json(list(tags))


def _conditions(which: JobFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = ["NOT deleted"]
    parameters: list[Any] = []
    for condition, value in (
        ("instr(folded, ?)", None if which.q is None else fold(which.q)),
        ("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", which.tag),
        ("enabled = ?", which.enabled),
        ("owner = ?", which.owner),
        ("json_extract(last_run, '$.state') = ?", which.state),
        (TAGGED, tag_list(which.tags)),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    return conditions, parameters
