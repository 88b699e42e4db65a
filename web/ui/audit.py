"""*Audit*: who changed what, when and from where, and what it was before.

Rules
-----
1. A change is a line that can be unfolded; what it changed is shown field by field.  Of what was
   made or deleted the fields that say something are shown, not those that are empty.
2. What one change shows is bounded, in bytes as they are sent, so that no definition makes the
   page long.
3. What the query gets wrong is said at the filters, and nothing is shown: a filter that is left
   out without a word would show what was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response
from markupsafe import escape

from executor.domain.audit import Change
from executor.domain.command import CommandKind
from executor.domain.difference import Difference, differences
from executor.domain.errors import Fault, JobNotFound
from executor.domain.fields import is_job_id
from executor.domain.kinds import DELETES, PUTS
from executor.domain.secret import SECRETS
from executor.ports.store import ChangeFilter, InvalidCursor, Page, Readers
from web.audit import completed
from web.problems import unprocessable
from web.ui.frame import Shelf, Visit, show
from web.ui.refusal import NONE, refusal
from web.ui.typed import typed_instant

SHELF: Final = Shelf()

HERE: Final = "/ui/audit"

#: Changes of one page.
ROWS: Final = 20

#: What one change shows at most: bytes as they are sent.  Twenty of them fit into a page.
_SHOWN: Final = 3_000

#: Lines of a long text that are shown of a change.
_LINES: Final = 12

#: The filters, as the query and the API name them.
FILTERS: Final = ("job", "actor", "action", "from", "to")

#: Values that say nothing where all that is there is shown.
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], False)

#: Commands that are not in the audit, or that nobody looks for.
_LEFT_OUT: Final = frozenset({CommandKind.USE_TOKENS, CommandKind.REPORT_RUN, CommandKind.PING_JOB})

#: Where what is changed has a page, by the command.
_PAGES: Final = {
    kind: f"/ui/{one.plural}" for table in (PUTS, DELETES) for kind, one in table.items()
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field: what stood there before and what stands there since, None: nothing.

    ``text`` instead of both: the lines of a long text that differ.
    """

    field: str
    old: str | None = None
    new: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change, the lines that say what it changed, and whether there are more of them."""

    change: Change
    what: str
    lines: list[Line]
    cut: bool
    link: str


@SHELF.add("GET", HERE)
def audit(visit: Visit) -> Response:
    """Show a part of the audit."""
    readers, refused = visit.services.readers, NONE
    asked = {name: visit.text(name) for name in FILTERS}
    cursor = visit.text("cursor") or None
    page: Page[Change] = Page((), None)
    which, faults = _filter(readers, asked)
    if faults:
        refused = refusal(unprocessable(faults), FILTERS)
    else:
        page = _changes(readers, which, cursor)
    response = show(
        visit,
        "ui/audit.html",
        title="Audit",
        entries=[_entry(completed(change, readers)) for change in page.items],
        asked=asked,
        refused=refused,
        narrows=any(asked.values()),
        actions=[kind for kind in CommandKind if kind not in _LEFT_OUT],
        first=_address(asked, None) if cursor else None,
        following=_address(asked, page.next) if page.next else None,
    )
    response.status_code = refused.status
    return response


def _filter(readers: Readers, asked: Mapping[str, str]) -> tuple[ChangeFilter, list[Fault]]:
    """Return what is asked for, and what is wrong with it."""
    faults: list[Fault] = []
    action = asked["action"]
    if action and action not in set(CommandKind):
        faults.append(Fault("action", f"{action[:40]!r} is nothing that can be done; choose one"))
        action = ""
    which = ChangeFilter(
        job_id=_job_id(readers, asked["job"], faults) if asked["job"] else None,
        actor=asked["actor"] or None,
        action=CommandKind(action) if action else None,
        since=_instant("from", asked["from"], faults),
        until=_instant("to", asked["to"], faults),
    )
    return which, faults


def _job_id(readers: Readers, key: str, faults: list[Fault]) -> str | None:
    try:
        return readers.find_job(key).id
    except JobNotFound:
        if is_job_id(key):
            return key
        message = f"there is no job {key[:100]!r}; of a deleted one write the id"
        faults.append(Fault("job", message))
        return None


def _instant(name: str, text: str, faults: list[Fault]) -> datetime | None:
    try:
        return typed_instant(text) if text else None
    except ValueError as error:
        faults.append(Fault(name, f"{text[:40]!r} {error}"))
        return None


def _changes(readers: Readers, which: ChangeFilter, cursor: str | None) -> Page[Change]:
    try:
        return readers.list_changes(which, ROWS, cursor)
    except InvalidCursor:
        return readers.list_changes(which, ROWS, None)


def _address(asked: Mapping[str, str], cursor: str | None) -> str:
    wanted = {**asked, "cursor": cursor}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{HERE}?{query}" if query else HERE


def _entry(change: Change) -> Entry:
    lines, left = [], _SHOWN
    cut = False
    for line in _lines(change):
        left -= 60 + sum(_weight(text) for text in (line.field, line.old, line.new, line.text))
        if left < 0:
            cut = True
            break
        lines.append(line)
    return Entry(change=change, what=_what(change, lines), lines=lines, cut=cut, link=_link(change))


def _weight(text: str | None) -> int:
    return len(str(escape(text or "")).encode())


def _lines(change: Change) -> Iterator[Line]:
    if change.before is None or change.after is None:
        yield from _whole(change.before or change.after or {}, gone=change.after is None)
        return
    for one in differences(change.before, change.after):
        if one.old in _EMPTY and isinstance(one.new, Mapping):
            yield from _whole({one.field: one.new}, gone=False)
            continue
        if one.new in _EMPTY and isinstance(one.old, Mapping):
            yield from _whole({one.field: one.old}, gone=True)
            continue
        long = [text for text in (one.old, one.new) if isinstance(text, str) and "\n" in text]
        if long:
            yield Line(one.field, text="\n".join(_cut(list(one.lines())[1:])))
        else:
            yield Line(one.field, *one.sides())


def _whole(state: Mapping[str, Any], gone: bool, path: str = "") -> Iterator[Line]:
    """Yield what *state* says, all of which is gone or new."""
    for name, value in state.items():
        field = f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _whole(value, gone, f"{field}.")
        elif value not in _EMPTY:
            text, _ = Difference(field, value, value).sides()
            yield Line(field, text if gone else None, None if gone else text)


def _cut(lines: list[str]) -> list[str]:
    """Return the first of *lines*, as much of them as belongs on a page."""
    # What stands between @@ is where in the text it is.
    told = [line[2:200] for line in lines if not line.startswith("  @@")]
    more = len(told) - _LINES
    return told if more <= 0 else [*told[:_LINES], f"… and {more} lines more"]


def _what(change: Change, lines: list[Line]) -> str:
    """Say in a few words what was changed."""
    kind = {**PUTS, **DELETES}.get(change.action)
    if kind is SECRETS:
        return "its value is shown to nobody"
    if not lines:
        return "nothing in its definition" if change.before and change.after else ""
    if not change.before and change.revision is not None:
        return "as it was made" if change.revision == 1 else "as it is since"
    if not change.after:
        return "as it was"
    fields = [line.field for line in lines[:3]]
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return f"{', '.join(fields)}{more}"


def _link(change: Change) -> str:
    """Return where what was changed is shown, empty if nowhere."""
    if change.job_id:
        return f"/ui/jobs/{change.job_id}"
    if change.run_id:
        return f"/ui/runs/{change.run_id}"
    return _PAGES.get(change.action, "")
