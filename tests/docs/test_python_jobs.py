"""The README's Python job does what the README says, run as the service runs it."""

from __future__ import annotations

import re
from pathlib import Path

from executor.adapters.python_target import PythonLauncher
from executor.adapters.python_target.job_code import PythonJobCode
from executor.adapters.system_clock import SystemClock
from executor.domain.job import definition_from_document
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.run import RunState
from tests.contract.launcher_contract import make_work
from tests.fakes.work_log import WorkLog

README = Path(__file__).parents[2] / "README.md"


def code_of(mark: str) -> str:
    """Return the Python between the two marks of this name."""
    pattern = rf"<!-- {mark} -->\n```python\n(.*?)```\n<!-- {mark} -->"
    found = re.search(pattern, README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"the README has no code between two marks {mark}"
    return found[1]


def test_the_readmes_job_is_found_and_runs(tmp_path: Path) -> None:
    """Both jobs are valid as declared; the first one ends with the details that it returns."""
    (tmp_path / "readme_jobs.py").write_text(code_of("python-job"))
    environ = {"PYTHONPATH": f"{README.parent}:{tmp_path}"}
    code = PythonJobCode(["readme_jobs"], environ=environ)
    declarations = code.declarations()
    code.stop()
    assert declarations.failures == {}
    definitions = [definition_from_document(dict(one.document)) for one in declarations.jobs]
    assert [(one.name, one.is_continuous) for one in definitions] == [
        ("invoices", False),
        ("mailbox", True),
    ]

    log = WorkLog()
    permitted = PermittedPrograms(modules=("readme_jobs",))
    launcher = PythonLauncher(log, SystemClock(), permitted=permitted, environ=environ)
    launcher.start([make_work(definitions[0].target)])
    outcome = log.wait_for_end("run", timeout_s=30)
    launcher.stop()

    assert (outcome.state, outcome.details) == (RunState.SUCCEEDED, {"sent": 3})
    assert outcome.output is not None
    assert "invoice of grace for 2026-12-01T12:00:00Z" in outcome.output.head


def test_the_readmes_test_passes() -> None:
    """With the job that stands before it."""
    names: dict[str, object] = {"__name__": "readme"}
    exec(code_of("python-job"), names)
    exec(code_of("python-job-test"), names)
    test = names["test_everybody_gets_an_invoice"]
    assert callable(test)
    test()
