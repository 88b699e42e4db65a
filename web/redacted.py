"""What is told of a run from outside, without the secrets that the run was given.

A service that goes on with a run knows the secrets that stood in its request, and may repeat them
in what it reports.  They are replaced here, before the report is sent on: neither the queue of
commands, nor the store, nor a notification ever holds them.

Rules
-----
1. Replaced are the secrets that the run's job names, in the revision that the run began with and
   in the present one.  No others: whoever reports could try out guesses at them.
2. The values are those of now.  A value that was overwritten since the run began is known to
   nobody here any more.
3. If it cannot be told what would have to be replaced, nothing of what is told is kept, and the
   run says why; that it goes on, or how it ended, counts all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from executor.domain.errors import (
    JobNotFound,
    NamedNotFound,
    RevisionNotFound,
    SecretUnreadable,
)
from executor.domain.filling import secrets_of
from executor.domain.job import Definition, Job
from executor.domain.json_value import with_texts
from executor.domain.named import Broken
from executor.domain.redaction import Redaction
from executor.domain.report import Report
from executor.domain.run import Run
from executor.domain.secret import SECRETS
from executor.ports.keys import Sealer
from executor.ports.store import Readers

#: Said instead of what was told, because of what follows.
_NOT_KEPT: Final = "what was reported is not kept, as secrets could not be replaced in it: "


class _UnknownError(Exception):
    """Nobody here knows what is to be replaced; the message says why."""


def without_secrets(report: Report, run: Run, readers: Readers, sealer: Sealer | None) -> Report:
    """Return *report*, about *run*, without the secrets that the run was given.

    Raises:
        StoreUnavailable: what the secrets are could not be read.
    """
    if report.details is None and report.error is None:
        return report
    try:
        redaction = _redaction(run, readers, sealer)
    except _UnknownError as why:
        return replace(report, details=None, error=f"{_NOT_KEPT}{why}")
    if redaction is None:
        return report
    details = with_texts(report.details, redaction.text, names=True)
    error = None if report.error is None else redaction.text(report.error)
    return replace(report, details=details, error=error)


def _redaction(run: Run, readers: Readers, sealer: Sealer | None) -> Redaction | None:
    definitions = list(_definitions(run, readers))
    if not definitions:
        raise _UnknownError("the run's job cannot be read any more")
    names = sorted({name for one in definitions for name in secrets_of(one.target)})
    if not names:
        return None
    if sealer is None:
        raise _UnknownError("this instance has no key (SOLOCRON_SECRET_KEY)")
    try:
        return sealer.redaction({name: _sealed(name, readers) for name in names})
    except (NamedNotFound, SecretUnreadable) as error:
        raise _UnknownError(str(error)) from error


def _definitions(run: Run, readers: Readers) -> Iterator[Definition]:
    """Return the run's job as it is, and as it was for this run, as far as that is known."""
    revision = None
    with suppress(JobNotFound):
        job = readers.find_job(run.job_id)
        if isinstance(job, Job):
            revision = job.revision
            yield job.definition
    if revision != run.revision:
        with suppress(RevisionNotFound):
            yield readers.get_revision(run.job_id, run.revision).definition


def _sealed(name: str, readers: Readers) -> str:
    secret = readers.get_named(SECRETS, name)
    if isinstance(secret, Broken):
        raise SecretUnreadable(name, secret.error)
    return secret.value
