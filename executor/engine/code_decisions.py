"""Commands of the executor to itself: a job is declared in code, or not any more.

Rules
-----
1. As long as the code declares the same (its digest), nothing is written: what was changed
   through the API since stays.
2. When the code declares something else, that is the whole of the definition from then on;
   but ``enabled`` stays as it is, unless the code says it: a job that somebody has
   switched off is not switched on by a change of something else.  A pause stays.
3. A job of that name that was made through the API is taken over only if it calls the
   same function.  Any other one is somebody else's, and the declaration is refused.
4. A job that the code does not declare any more stays, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.command import Command, ResultStatus
from executor.domain.declared import CodeOrigin
from executor.domain.errors import Conflict
from executor.domain.job import Job
from executor.domain.targets import PythonTarget
from executor.engine.job_decisions import create, redefine, revise
from executor.engine.scene import Answer, Decision, RefusalError, Scene, result_of


class _NotFromCode(Conflict):
    """A job of this name was made by somebody else."""

    def __init__(self, job: str) -> None:
        super().__init__(
            f"a job named {job!r} exists that was not made by this code; rename one of them, or "
            f"DELETE /v1/jobs/{job}"
        )


def declare(command: Command, scene: Scene) -> Decision:
    """Make a job be what the code says, or note that it says nothing of it any more."""
    job = scene.roster.find(command.subject)
    if command.arguments.get("definition") is None:
        return _vanished(command, scene, job)
    module, digest = str(command.arguments["module"]), str(command.arguments["digest"])
    origin = CodeOrigin(module=module, digest=digest)
    if job is None:
        made = create(command, scene)
        return replace(made, job=replace(made.job, code=origin))
    if job.code == origin:
        return Answer(result_of(command, scene.desk.now, ResultStatus.DONE, job))
    if job.code is None and not _calls_the_same(job, command):
        raise RefusalError(ResultStatus.CONFLICT, _NotFromCode(job.name))
    if job.code is not None and job.code.digest == digest:
        return revise(command, scene, job, replace(job, code=origin))
    document = {"enabled": job.definition.enabled, **command.arguments["definition"]}
    changed = redefine(command, document, scene, replace(job, code=origin))
    return replace(changed, former=job)


def _vanished(command: Command, scene: Scene, job: Job | None) -> Decision:
    if job is None or job.code is None or not job.code.present:
        return Answer(result_of(command, scene.desk.now, ResultStatus.DONE, job))
    return revise(command, scene, job, replace(job, code=replace(job.code, present=False)))


def _calls_the_same(job: Job, command: Command) -> bool:
    target, mine = job.definition.target, command.arguments["definition"].get("target", {})
    return isinstance(target, PythonTarget) and target.callable == mine.get("callable")
