"""The modules with jobs, asked in processes of their own: what they may do to the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from executor.adapters.python_target.job_code import PythonJobCode
from tests.contract.command_workshop import CleanLeaving
from tests.contract.programs import children
from tests.waiting import eventually

Make = Callable[..., PythonJobCode]

SOUND = """
from executor.jobs import job

@job(schedule="* * * * *", tags=["a"])
def sound(context):
    pass

alias = sound
"""


class TestJobCode(CleanLeaving):
    """The law of ``ports/code.py``, on Python modules."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder with modules, which the processes find."""
        (tmp_path / "sound_jobs.py").write_text(SOUND)
        return tmp_path

    @pytest.fixture
    def code(self, folder: Path) -> Iterator[Make]:
        made: list[PythonJobCode] = []
        ours = str(Path(__file__).parents[2])

        def make(
            *modules: str, precondition: str | None = None, limit_s: float = 20.0
        ) -> PythonJobCode:
            made.append(
                PythonJobCode(
                    modules,
                    precondition,
                    environ={"PYTHONPATH": f"{folder}:{ours}", "SOLOCRON_SECRET_KEY": "secret"},
                    import_s=limit_s,
                    precondition_s=limit_s,
                )
            )
            return made[-1]

        yield make
        for one in made:
            one.stop()

    def test_what_a_module_declares_comes_with_where_it_is(self, code: Make) -> None:
        """Each function once, whatever other names it has."""
        (declared,) = code("sound_jobs").declarations().jobs

        assert (declared.module, declared.name) == ("sound_jobs", "sound")
        assert declared.document == {
            "name": "sound",
            "schedule": "* * * * *",
            "tags": ["a"],
            "target": {"kind": "python", "callable": "sound_jobs:sound"},
        }

    def test_a_function_is_declared_where_it_was_written(self, code: Make, folder: Path) -> None:
        """Or in the package that its module is a part of."""
        package = folder / "parcel"
        package.mkdir()
        (package / "__init__.py").write_text("from parcel.inner import sound\n")
        (package / "inner.py").write_text(SOUND)
        (folder / "borrower.py").write_text("from sound_jobs import sound\n")

        declarations = code("borrower", "parcel").declarations()

        assert [one.document["target"]["callable"] for one in declarations.jobs] == ["parcel:sound"]
        assert declarations.failures == {}

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("1/0", "ZeroDivisionError: division by zero ("),
            ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
            ("def (", "SyntaxError: invalid syntax"),
            ("import os; os._exit(3)", "its process died (exit status 3)"),
            ("import sys; sys.exit(3)", "SystemExit: 3"),
            ("import os; os.kill(os.getpid(), 9)", "its process died (signal 9)"),
            ("import threading; threading.Event().wait()", "no answer within 2 s"),
            ("import os; os.write(3, b'{nonsense')", "its process died"),
            (
                "from executor.jobs import job\n@job(tags={object()})\ndef f(context): pass",
                "TypeError: Object of type object is not JSON serializable",
            ),
        ],
    )
    def test_a_module_that_cannot_be_asked_harms_no_other(
        self, code: Make, folder: Path, text: str, error: str
    ) -> None:
        """It is named, with what went wrong; the jobs of all others are there."""
        (folder / "broken_jobs.py").write_text(text)

        declarations = code("broken_jobs", "sound_jobs", limit_s=2).declarations()

        assert [one.name for one in declarations.jobs] == ["sound"]
        assert list(declarations.failures) == ["broken_jobs"]
        if "nonsense" not in text:
            assert error in declarations.failures["broken_jobs"]

    def test_the_code_does_not_see_the_services_secrets(self, code: Make, folder: Path) -> None:
        """As a run does not."""
        (folder / "curious.py").write_text(
            "import os\nassert 'SOLOCRON_SECRET_KEY' not in os.environ"
        )

        assert code("curious").declarations().failures == {}

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("def check(): return 3", None),
            ("async def check(): return 3", None),
            ("def check(): raise ValueError('too old')", "ValueError: too old"),
            ("async def check(): raise ValueError('too old')", "ValueError: too old"),
            ("import sys\ndef check(): sys.exit(0)", "SystemExit: 0"),
            ("", "has no attribute 'check'"),
        ],
    )
    def test_the_precondition_is_met_if_the_function_returns(
        self, code: Make, folder: Path, text: str, fault: str | None
    ) -> None:
        """Whatever it returns; else the error is told, with its place."""
        (folder / "gatekeeper.py").write_text(text)

        found = code(precondition="gatekeeper:check").precondition()

        assert (found is None) == (fault is None)
        assert fault is None or fault in str(found)

    def test_without_a_precondition_there_is_nothing_to_ask(self, code: Make) -> None:
        """No process is started for it."""
        assert code().precondition() is None
        assert code().declarations().jobs == ()

    def test_a_stop_ends_what_hangs(self, code: Make, folder: Path) -> None:
        """The question is answered as failed at once; none is asked any more."""
        (folder / "hanging.py").write_text("import threading; threading.Event().wait()")
        asked = code("hanging", limit_s=60)
        known, failures = children(), []
        thread = Thread(target=lambda: failures.append(asked.declarations().failures))
        thread.start()
        eventually(lambda: children() - known, 10, "the process is there")

        began = monotonic()
        asked.stop()
        thread.join()

        assert monotonic() - began < 10
        assert failures == [{"hanging": "its process died (signal 9)"}]
        assert "cannot be started" in asked.declarations().failures["hanging"]
