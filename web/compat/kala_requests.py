"""What Kala's clients send: a job, read as Go reads it.

Names of fields are matched without regard to letter case, null is the same as nothing, and what
is unknown is left alone; a value of the wrong type is a fault.  What only the server knows
(``metadata``, ``stats``, ``is_done``, ``next_run_at``, ``dependent_jobs``) is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError

from executor.domain.errors import Fault
from executor.domain.faults import faults_of
from executor.domain.fields import Text
from web.problems import unprocessable

_GO: Final = ConfigDict(extra="ignore")

#: Go takes no `"5"` for a number and no 1 for a yes.
_Number = Annotated[int, Strict()]
_YesNo = Annotated[bool, Strict()]

#: A text for which a job of ours has a label only.
_Kept = Annotated[Text, Field(max_length=10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteProperties:
    """The request of a job of type 1."""

    __pydantic_config__ = _GO

    url: Text = ""
    method: Text = ""
    """Empty: GET."""
    body: Text = ""
    headers: dict[Text, list[Text]] = field(default_factory=dict)
    """All values of each name."""
    timeout: Annotated[_Number, Field(ge=0)] = 0
    """Seconds; 0: 30 of them."""
    expected_response_codes: list[_Number] = field(default_factory=list)
    """Empty: 200 only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KalaJob:
    """A job as Kala's clients, and those of lovego's fork, write it."""

    __pydantic_config__ = _GO

    name: _Kept = ""
    """Required; several jobs may have the same."""
    id: Text = ""
    """Lovego: the job to change; Kala chooses the id itself."""
    command: Text = ""
    """What a job of type 0 runs, without a shell."""
    owner: Text = ""
    disabled: _YesNo = False
    parent_jobs: list[Text] = field(default_factory=list)
    """Ids of the jobs after whose successes it runs, instead of a schedule."""
    on_failure_job: Text = ""
    """Id of the job that runs when the last attempt has failed."""
    schedule: Text = ""
    """R[n]/START/INTERVAL; empty: once, when it is created."""
    retries: Annotated[_Number, Field(ge=0)] = 0
    epsilon: Text = ""
    """How long after the time of a run it is tried again; empty: always."""
    TemplateDelimiters: Text = ""
    """Two, with a space in between; empty: nothing is rendered."""
    resume_at_next_scheduled_time: _YesNo = False
    type: _Number = 0
    """0: a command; 1: a request."""
    job_type: _Number = 0
    """Lovego's name of `type`."""
    remote_properties: RemoteProperties = field(default_factory=RemoteProperties)
    groupName: _Kept = ""  # noqa: N815 - the name is lovego's
    content: _Kept = ""
    """Lovego: any text."""

    @property
    def kind(self) -> int:
        """The type, under whichever name it was given."""
        return self.type or self.job_type


KALA_JOB: Final[TypeAdapter[KalaJob]] = TypeAdapter(KalaJob)


def read_job(document: dict[str, Any]) -> KalaJob:
    """Read a job.

    Raises:
        Problem: 422, with every fault.
    """
    given = _as_go(document, KalaJob)
    remote = given.get("remote_properties")
    if isinstance(remote, dict):
        given["remote_properties"] = _as_go(remote, RemoteProperties)
    try:
        job = KALA_JOB.validate_python(given)
    except ValidationError as error:
        objects = {(): KalaJob, ("remote_properties",): RemoteProperties}
        raise unprocessable(faults_of(error, objects)) from None
    faults = [*_faults(job)]
    if faults:
        raise unprocessable(faults)
    return job


def _faults(job: KalaJob) -> list[Fault]:
    faults = []
    if not job.name:
        faults.append(Fault("name", "is required"))
    if job.kind not in {0, 1}:
        faults.append(Fault("type", f"{job.kind} is none; write 0 (a command) or 1 (a request)"))
    if job.kind == 0 and not job.command:
        faults.append(Fault("command", "is required of a job of type 0"))
    if job.kind == 1 and not job.remote_properties.url:
        faults.append(Fault("remote_properties.url", "is required of a job of type 1"))
    return faults


def _as_go(document: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Return the fields of *kind* in *document*, whatever their letter case, without nulls."""
    names = {one.name.lower(): one.name for one in fields(kind)}
    found: dict[str, Any] = {}
    for name, value in document.items():
        known = names.get(name.lower())
        if known is not None and value is not None and (name == known or known not in document):
            found[known] = value
    return found
