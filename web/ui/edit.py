"""*Create and edit*: the form in which a job is written, and what comes of sending it.

While somebody writes, the page asks for its ``reading`` again: what the form means by now, and
what is wrong with it.  Nothing is kept of that on the server.

Rules
-----
1. What is sent is carried out by the API's own handlers.  If it is refused the form comes back as
   it was written, with what is wrong beside the fields, and the status of the refusal.
2. An edit is over the revision that the form was made of.  If somebody else has changed the
   definition meanwhile nothing is saved; the page says what differs, and the form then is over the
   present revision: what was touched is as it was written, the rest as it is now.  A pause or
   another change that is none of the definition's stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from flask import Response, make_response, render_template, request
from werkzeug.datastructures import Headers

from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.difference import differences
from executor.domain.errors import Fault, JobNotFound, RevisionNotFound, SolocronError
from executor.domain.job import Job, definition_from_document, definition_to_document
from web.changes import create_job, put_job, trigger_job
from web.documents import etag
from web.jobs import sound_job
from web.parameters import whole
from web.problems import Problem, problem_of, with_headers
from web.routes import Call
from web.sign_in import sentence
from web.ui.frame import Shelf, Visit, led_to, show
from web.ui.reading import Reading, by_control, placed, reading
from web.ui.sheet import GROUPS, NAME, ROWS, SCHEDULES, TARGETS, Rows
from web.ui.sparse import sparse
from web.ui.starters import offered
from web.ui.written import (
    Document,
    Texts,
    Written,
    merged,
    row_count,
    texts_from,
    texts_of,
    written,
)

SHELF: Final = Shelf()

NEW: Final = "/ui/jobs/new"

#: Said where the executor has taken a change and not answered in time.
_LATE: Final = "Accepted, but the executor has not answered yet; it shows here once it is done."

#: What the form shows of a job that nobody has written anything of.
_BLANK: Final = texts_of({}, new=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form as somebody has written it.

    Attributes:
        job: the one that is edited, as it is now; None if it is yet to be made.
        before: the document that the form showed at first.
        notice: what is to be said above it; ``theirs``: what somebody else has changed.
        more: the list that is to have one row more.
    """

    texts: Texts
    before: Document
    job: Job | None = None
    notice: str = ""
    theirs: Sequence[str] = ()
    more: str = ""

    @property
    def draft(self) -> Written:
        """What it means."""
        return written(self.texts, self.before)

    def rows(self, rows: Rows) -> range:
        """Return the numbers of the rows of *rows* that are shown: an empty one is the last."""
        number = max(row_count(rows, self.texts), len(self.before.get(rows.name, ())))
        return range(number + (2 if self.more == rows.name else 1))


@SHELF.add("GET", NEW)
def new_job(visit: Visit) -> Response:
    """Show the form of a job that is yet to be made: empty, or begun like another one."""
    begun = _begun(visit)
    texts = _BLANK if begun is None else texts_of(begun)
    return _shown(visit, Form(texts=texts, before={}), judged=False)


def _begun(visit: Visit) -> Document | None:
    """Return the definition that the new job begins with, if the address names one."""
    wanted = visit.text("like")
    if wanted:
        found = visit.services.readers.find_job(wanted)
        if isinstance(found, Job):
            document = sparse(found.definition)
            return {**document, "name": f"{found.name[:190]}-copy"}
    chosen = visit.text("template")
    for one in offered(visit.services.permitted):
        if one.key == chosen:
            return sparse(definition_from_document(one.document))
    return None


@SHELF.add("POST", NEW)
def make_job(visit: Visit) -> Response:
    """Make the job, or tell what the form means so far."""
    form = Form(texts=texts_from(visit.form), before={}, more=_more(visit))
    if visit.is_part:
        return _told(visit, form)
    if visit.text("do") not in {"save", "run"}:
        return _shown(visit, form, judged=not form.more)
    return _carried_out(visit, form, lambda document: _made(visit, document))


def _made(visit: Visit, document: Document) -> Response:
    definition = definition_from_document(document)
    response = create_job(visit.call(definition))
    if response.status_code == HTTPStatus.ACCEPTED:
        return led_to("/ui/jobs", _LATE)
    job_id = str((response.get_json() or {}).get("id"))
    if visit.text("do") == "run":
        return _run(visit, job_id)
    return led_to(f"/ui/jobs/{job_id}", "It was made.")


def _run(visit: Visit, job_id: str) -> Response:
    """Run the job that was just made, and lead to its run."""
    try:
        response = trigger_job(visit.call(job=job_id))
    except SolocronError as error:
        return _made_only(job_id, problem_of(error))
    except Problem as problem:
        return _made_only(job_id, problem)
    if response.status_code != HTTPStatus.CREATED:
        return led_to(f"/ui/jobs/{job_id}", "It was made, and will run in a moment.")
    run_id = str((response.get_json() or {}).get("id"))
    return led_to(f"/ui/runs/{run_id}", "It was made, and runs now.")


def _made_only(job_id: str, problem: Problem) -> Response:
    said = f"It was made, but not run: {problem.detail}."
    return led_to(f"/ui/jobs/{job_id}", said, bad=True)


@SHELF.add("GET", "/ui/jobs/{job}/edit")
def edit_job(visit: Visit) -> Response:
    """Show the form of a job."""
    job = sound_job(visit.call())
    document = sparse(job.definition)
    return _shown(visit, Form(texts=texts_of(document), before=document, job=job), judged=False)


@SHELF.add("POST", "/ui/jobs/{job}/edit")
def change_job(visit: Visit) -> Response:
    """Change the job, or tell what the form means so far."""
    job = sound_job(visit.call())
    base = _base(visit, job)
    form = Form(
        texts=texts_from(visit.form), before=sparse(base.definition), job=job, more=_more(visit)
    )
    if visit.is_part:
        return _told(visit, form)
    if base.definition != job.definition:
        return _stale(visit, form, base)
    if visit.text("do") != "save":
        return _shown(visit, form, judged=not form.more)
    return _carried_out(visit, form, lambda document: _changed(visit, form, document))


def _base(visit: Visit, job: Job) -> Job:
    """Return the job in the revision that the form was made of.

    Raises:
        Problem: 409, it is not kept any more, so nobody can tell what was changed.
    """
    try:
        number = whole(1, 999_999_999)(visit.form.get("revision", ""))
        if number == job.revision:
            return job
        return visit.services.readers.get_revision(job.id, number)
    except (ValueError, RevisionNotFound):
        detail = "it was changed so often meanwhile that what you began with is gone; edit it anew"
        raise Problem(HTTPStatus.CONFLICT, detail) from None


def _stale(visit: Visit, form: Form, base: Job) -> Response:
    """Refuse an edit of *base*, and show it over what somebody else has made of that."""
    job = form.job or base
    now = sparse(job.definition)
    texts, both = merged(form.texts, form.before, now)
    theirs = [
        line
        for one in differences(
            definition_to_document(base.definition), definition_to_document(job.definition)
        )
        for line in one.lines()
    ]
    by = f" by {job.last_command.actor}" if job.last_command and job.last_command.actor else ""
    notice = (
        f"Nothing was saved: the job was changed{by} since you began. What you have written is "
        "still here, and the rest is as it is now; look at it, and save again."
    )
    fresh = replace(form, texts=texts, before=now, notice=notice, theirs=theirs)
    response = _shown(visit, fresh, judged=True, extra=[Fault(name, _BOTH) for name in both])
    response.status_code = HTTPStatus.PRECONDITION_FAILED
    return response


#: Said of a control that both have changed.
_BOTH: Final = "somebody else has changed this too; this is yours"


def _changed(visit: Visit, form: Form, document: Document) -> Response:
    job = form.job
    assert job is not None
    here = f"/ui/jobs/{job.id}"
    if definition_from_document(document) == job.definition:
        return led_to(here, "Nothing was changed.")
    call: Call = replace(
        visit.call(dict(document), job=job.id),
        method="PUT",
        headers=Headers({"If-Match": etag(job.revision)}),
    )
    response = put_job(call)
    if response.status_code == HTTPStatus.ACCEPTED:
        return led_to(here, _LATE)
    return led_to(here, "It was saved.")


def _carried_out(visit: Visit, form: Form, carry_out: Callable[[Document], Response]) -> Response:
    """Have *carry_out* do what *form* asks for, or show it again with what is wrong."""
    draft = form.draft
    if draft.faults:
        return _refused(visit, form, Problem(HTTPStatus.UNPROCESSABLE_ENTITY, ""))
    try:
        return carry_out(draft.document)
    except SolocronError as error:
        return _refused(visit, form, problem_of(error))
    except Problem as problem:
        return _refused(visit, form, problem)


def _refused(visit: Visit, form: Form, problem: Problem) -> Response:
    if problem.status is HTTPStatus.PRECONDITION_FAILED and form.job is not None:
        now = sound_job(visit.call())
        if now.definition != form.job.definition:
            return _stale(visit, replace(form, job=now), form.job)
    faults = placed(form.draft, problem.faults)
    if problem.status is HTTPStatus.CONFLICT and _is_taken(visit, form):
        faults = [Fault(NAME.name, "another job has this name; choose another one")]
    notice = "" if faults or not problem.detail else sentence(problem.detail)
    response = _shown(visit, replace(form, notice=notice), judged=True, extra=faults)
    response.status_code = problem.status
    return with_headers(response, problem)


def _is_taken(visit: Visit, form: Form) -> bool:
    """Whether another job has the name that *form* asks for."""
    with suppress(JobNotFound):
        found = visit.services.readers.find_job(form.texts[NAME.name].strip())
        return form.job is None or found.id != form.job.id
    return False


def _more(visit: Visit) -> str:
    """Return the list that somebody wants a row more of."""
    asked = visit.text("do").removeprefix("more.")
    return asked if asked in {rows.name for rows in ROWS} else ""


def _read(visit: Visit, form: Form, only: Texts | None) -> Reading:
    host = visit.services.url or request.host_url.rstrip("/")
    return reading(visit.services, form.draft, form.job, host, only)


def _told(visit: Visit, form: Form) -> Response:
    """Answer with what *form* means so far."""
    read = _read(visit, form, form.texts)
    return make_response(
        render_template("ui/_reading.html", reading=read, labels=_labels(form), form=form)
    )


def _shown(visit: Visit, form: Form, *, judged: bool, extra: Sequence[Fault] = ()) -> Response:
    """Show the form; ``judged``: with what is wrong with it, and what *extra* says."""
    read = _read(visit, form, None if judged else {})
    faults = {name: list(lines) for name, lines in read.faults.items()}
    for name, lines in by_control(extra).items():
        faults[name] = [*faults.get(name, []), *(n for n in lines if n not in faults.get(name, []))]
    title = f"Edit {form.job.name}" if form.job else "New job"
    return show(
        visit,
        "ui/edit.html",
        title=title,
        form=form,
        reading=replace(read, faults=faults),
        labels=_labels(form),
        blank=_BLANK,
        name_=NAME,
        targets=TARGETS,
        schedules=SCHEDULES,
        groups=GROUPS,
        starters=offered(visit.services.permitted) if form.job is None else (),
        suggestions=_suggestions(visit),
        here=f"/ui/jobs/{form.job.id}/edit" if form.job else NEW,
    )


def _labels(form: Form) -> Mapping[str, str]:
    """Return what each control is called, by its name."""
    found = {"target.kind": "What it does", "schedule.kind": "When it runs"}
    kinds = [control for kind in (*TARGETS, *SCHEDULES) for control in kind.controls]
    grouped = [control for group in GROUPS for control in group.controls]
    found.update({control.name: control.label for control in (NAME, *kinds, *grouped)})
    for rows in ROWS:
        for number in form.rows(rows):
            for control in rows.controls:
                name = control.in_row(rows.name, number).name
                found[name] = f"{rows.one} {number + 1}: {control.label}"
    return found


def _suggestions(visit: Visit) -> dict[str, Any]:
    """Return the names that there are of what a job can refer to."""
    readers = visit.services.readers
    return {
        "channels": sorted(one.name for one in readers.list_named(CHANNELS))[:200],
        "calendars": sorted(one.name for one in readers.list_named(CALENDARS))[:200],
    }
