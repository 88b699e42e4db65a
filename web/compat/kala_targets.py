"""What Kala's jobs do, as our targets, and our targets as Kala's clients see them.

Rules
-----
1. A command is split into words as Kala splits it, and no shell runs it.  ``$NAME`` and
   backquotes, which Kala expands itself, stay as they are: write ``bash -c '...'`` around them.
2. A request succeeds with the statuses that are expected, or with 200 alone.
3. Several values of a header are sent as one, with commas, which means the same in HTTP.
4. Requests of lovego's jobs bring the job's id, in the query and in a header.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from executor.domain.errors import Fault, InvalidJob
from executor.domain.kala_texts import kalas_template, our_template
from executor.domain.targets import CommandTarget, HttpTarget, PythonTarget, Target
from executor.domain.template import literally
from web.compat.kala_requests import KalaJob, RemoteProperties

#: Fields that can change with each run, or by an edit of the job: our templates have them as well.
#: Kala's id, name and the rest are known when the job is saved, and not as we know them.
_OURS: Final = {"Owner": "job.owner", "NextRunAt": "fire_time"}

#: Kala's limit of a request that names none, seconds.
TIMEOUT_S: Final = 30

#: The header that Kala sends unless a job has one of this very name, and its value.
_CONTENT_TYPE: Final = ("Content-Type", "application/json")

#: What lovego's jobs send their id as.
_JOB_ID: Final = "jobId"


@dataclass(frozen=True, slots=True)
class Filling:
    """How the texts of one job are rendered.

    Attributes:
        delimiters: as the job has them; None: nothing is rendered.
        fixed: what fields are put in at once, by their names in Go.
        sent_id: the job's id, for those whose requests bring it; empty: they do not.
    """

    delimiters: tuple[str, str] | None
    fixed: Mapping[str, str]
    sent_id: str = ""

    def text(self, field: str, text: str) -> str:
        """Return Kala's *text* as our template.

        Raises:
            InvalidJob: it cannot be one; says so of *field*.
        """
        try:
            return our_template(text, self.delimiters, _OURS, self.fixed)
        except ValueError as error:
            raise InvalidJob([Fault(field, str(error))]) from None

    def url(self, text: str) -> str:
        """Return the address of a request."""
        url = self.text("remote_properties.url", text)
        if not self.sent_id:
            return url
        return f"{url}{'&' if '?' in url else '?'}{_JOB_ID}={self.sent_id}"


def fixed_values(job_id: str, job: KalaJob) -> dict[str, str]:
    """Return what is put into texts at once, by the names of the fields in Go.

    These change by an edit alone.  A job that runs is not disabled.
    """
    remote = job.remote_properties
    return {
        "Id": job_id,
        "Name": job.name,
        "Schedule": job.schedule,
        "Epsilon": job.epsilon,
        "Retries": str(job.retries),
        "Type": str(job.kind),
        "Disabled": "false",
        "OnFailureJob": job.on_failure_job,
        "RemoteProperties.Url": remote.url,
        "RemoteProperties.Method": remote.method.upper() or "GET",
        "RemoteProperties.Body": remote.body,
        "RemoteProperties.Timeout": str(remote.timeout or TIMEOUT_S),
    }


def from_kala(job: KalaJob, filling: Filling) -> dict[str, Any]:
    """Return the target of *job*, as a document.

    Raises:
        InvalidJob: a text asks for what there is not.
    """
    if job.kind == 0:
        return {"kind": "command", "command": filling.text("command", job.command)}
    remote = job.remote_properties
    return {
        "kind": "http",
        "url": filling.url(remote.url),
        "method": remote.method.upper() or "GET",
        "headers": _headers(remote, filling),
        "body": filling.text("remote_properties.body", remote.body),
        "timeout": f"{remote.timeout or TIMEOUT_S}s",
        "expect": [str(code) for code in remote.expected_response_codes or [200]],
    }


def _headers(remote: RemoteProperties, filling: Filling) -> dict[str, str]:
    found = {name: literally(", ".join(values)) for name, values in remote.headers.items()}
    found.setdefault(*_CONTENT_TYPE)
    if filling.sent_id:
        found.setdefault(_JOB_ID, filling.sent_id)
    return found


def command_of(target: Target, delimiters: tuple[str, str] | None) -> str:
    """Return the ``command`` by which Kala's clients learn of *target*; empty for a request."""
    match target:
        case HttpTarget():
            return ""
        case CommandTarget():
            text = target.command if target.argv is None else shlex.join(target.argv)
            return kalas_template(text or "", delimiters, _OURS)
        case PythonTarget():
            return target.callable
    return target.kind


def remote_of(target: Target, delimiters: tuple[str, str] | None) -> dict[str, Any]:
    """Return the ``remote_properties`` by which Kala's clients learn of *target*."""
    if not isinstance(target, HttpTarget):
        return _remote("", "", "", None, 0, None)
    headers = {
        name: [kalas_template(value, delimiters, _OURS)] for name, value in target.headers.items()
    }
    return _remote(
        kalas_template(target.url, delimiters, _OURS),
        target.method,
        kalas_template(target.body, delimiters, _OURS),
        headers or None,
        max(round(target.timeout.total_seconds()), 1),
        _codes(target.expect),
    )


def _codes(expect: tuple[str, ...]) -> list[int]:
    """Return the statuses; of a class of them the one that all mean by it, ``2xx`` is 200."""
    return [int(code.replace("xx", "00")) for code in expect]


def _remote(
    url: str,
    method: str,
    body: str,
    headers: dict[str, list[str]] | None,
    timeout_s: int,
    codes: list[int] | None,
) -> dict[str, Any]:
    return {
        "url": url,
        "method": method,
        "body": body,
        "headers": headers,
        "timeout": timeout_s,
        "expected_response_codes": codes,
    }
