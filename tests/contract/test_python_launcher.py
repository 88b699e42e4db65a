"""The launcher contract on Python jobs, and how they end."""

import json
import os
import signal
from pathlib import Path
from threading import Event

import pytest

from executor.adapters.python_target import PythonLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.run import Outcome, Reason, RunState
from executor.domain.targets import PythonTarget
from executor.jobs import DETAILS_LIMIT
from executor.ports.target import Launcher, WorkListener
from tests.contract.command_workshop import GRACE_S, LINGER_S, CleanLeaving
from tests.contract.launcher_contract import LauncherLaw, make_work
from tests.contract.programs import is_alive, run, said, written_pids
from tests.contract.python_workshop import MODULE, PERMITTED, PythonWorkshop, calling
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually


class TestPythonLauncher(CleanLeaving, LauncherLaw):
    """The law."""

    #: Each is a process with modules to import: ten milliseconds of processor time.
    crowd = 500

    @pytest.fixture(autouse=True)
    def _trace(self, tmp_path: Path) -> None:
        self.trace = tmp_path / "touched"

    def make_launcher(self, listener: WorkListener, parallel: int) -> Launcher:
        return PythonLauncher(
            listener,
            SystemClock(),
            permitted=PERMITTED,
            parallel=parallel,
            grace_s=GRACE_S,
            linger_s=LINGER_S,
        )

    def _tracing(self, function: str) -> PythonTarget:
        return calling(function, touched=str(self.trace))

    def quick(self) -> PythonTarget:
        return self._tracing("quick")

    def failing(self) -> PythonTarget:
        return self._tracing("failing")

    def impossible(self) -> PythonTarget:
        return PythonTarget(callable="os:system")

    def hanging(self) -> PythonTarget:
        return self._tracing("hanging")

    def endless(self) -> PythonTarget:
        return self._tracing("endless")

    def touched(self) -> list[str]:
        return self.trace.read_text().split() if self.trace.exists() else []


class TestContext(PythonWorkshop):
    """What a function is handed, and what becomes of what it returns."""

    def test_a_function_gets_its_run_and_its_arguments(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The context knows the run; arguments come as keywords, filled in; a dict is details."""
        target = calling("told", day="{{ fire_time }}", deep=[{"of": "{{ job.name }}"}, 3])
        launcher.start([make_work(target, job="Müll & Co", attempt=2)])
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.reason, outcome.error) == (RunState.SUCCEEDED, None, None)
        assert outcome.details == {
            "run_id": "run",
            "trigger_id": "run-trigger",
            "job": "Müll & Co",
            "fire_time": "2026-12-01T12:00:00+00:00",
            "attempt": 2,
            "term": 17,
            "arguments": {"day": "2026-12-01T12:00:00Z", "deep": [{"of": "Müll & Co"}, 3]},
        }

    @pytest.mark.parametrize(
        ("value", "details"),
        [
            (None, None),
            (3, {"result": 3}),
            (["a"], {"result": ["a"]}),
            ("ü\ud800", {"result": "ü?"}),
            ({"a": {"b": None}}, {"a": {"b": None}}),
        ],
    )
    def test_what_is_returned_are_the_details(
        self, launcher: Launcher, log: WorkLog, value: object, details: object
    ) -> None:
        """An object as it is, any other JSON as its result, and None is nothing."""
        assert run(launcher, log, calling("returning", value=value)).details == details

    def test_what_is_no_json_or_too_long_fails_and_says_so(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The error names what was returned, and the limit."""
        launcher.start(
            [
                make_work(calling("returning_nonsense"), "nonsense"),
                make_work(calling("returning_too_much", size=DETAILS_LIMIT), "long"),
                make_work(calling("returning_too_much", size=DETAILS_LIMIT - 13), "full"),
            ]
        )
        log.wait_for_ends(3)
        assert "details have to be JSON" in str(log.outcomes["nonsense"].error)
        assert "at most 65,536 are kept" in str(log.outcomes["long"].error)
        assert log.outcomes["nonsense"].state is log.outcomes["long"].state is RunState.FAILED
        assert log.outcomes["full"].state is RunState.SUCCEEDED
        assert len(json.dumps(log.outcomes["full"].details, separators=(",", ":"))) == DETAILS_LIMIT

    def test_an_async_function_is_awaited(self, launcher: Launcher, log: WorkLog) -> None:
        """Its value is what it returns in the end."""
        assert run(launcher, log, calling("hello_async")).details == {"result": "hello"}

    def test_prints_and_log_lines_are_the_output_in_the_order_written(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Also the records of other loggers; warnings and worse, and what is informative."""
        lines = said(run(launcher, log, calling("logging_away"))).splitlines()
        assert (lines[0], lines[3]) == ("one", "four")
        assert lines[1].endswith("INFO job.nightly: two")
        assert lines[2].endswith("WARNING library: three")


class TestStates(PythonWorkshop):
    """What a function says of itself."""

    @pytest.mark.parametrize(
        ("state", "ended", "reason"),
        [
            ("running", RunState.SUCCEEDED, None),
            ("FINISHED", RunState.SUCCEEDED, None),
            ("warning", RunState.SUCCEEDED, Reason.WARNING),
            ("SKIPPED", RunState.SUCCEEDED, Reason.SKIPPED),
            ("no_action_needed", RunState.SUCCEEDED, Reason.NO_ACTION_NEEDED),
            ("failed", RunState.FAILED, None),
            ("canceled", RunState.CANCELLED, None),
        ],
    )
    def test_the_state_written_last_decides_how_a_run_ends_that_returns(
        self,
        launcher: Launcher,
        log: WorkLog,
        state: str,
        ended: RunState,
        reason: Reason | None,
    ) -> None:
        """Its details stay if nothing is returned; only a failure has an error."""
        outcome = run(launcher, log, calling("writing", state=state, details="low on paper"))
        assert (outcome.state, outcome.reason) == (ended, reason)
        assert outcome.details == {"message": "low on paper"}
        assert (outcome.error is not None) == (ended is RunState.FAILED)

    def test_an_unknown_state_is_the_jobs_error(self, launcher: Launcher, log: WorkLog) -> None:
        """It names the states that there are."""
        outcome = run(launcher, log, calling("writing", state="done"))
        assert outcome.state is RunState.FAILED
        assert "there is no state 'done'; write one of running, preparing" in str(outcome.error)

    def test_details_are_told_while_the_run_goes_on(self, launcher: Launcher, log: WorkLog) -> None:
        """Whoever looks sees them before the end, and that the run still prepares itself."""
        launcher.start([make_work(calling("writing_then_waiting", details={"step": 1}))])
        eventually(lambda: "run" in log.details, 10, "the details are told")
        assert log.details["run"] == {"status": "preparing", "step": 1}
        launcher.cancel("run", Reason.REQUESTED)
        assert log.wait_for_end("run").details == {"step": 1}

    def test_of_much_progress_little_is_told_and_the_newest_stays(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """A hundred thousand reports of some seconds make a handful of writes."""
        outcome = run(launcher, log, calling("counting", total=100_000))
        assert outcome.state is RunState.SUCCEEDED
        assert outcome.details == {"done": 100_000, "total": 100_000, "message": "counting"}
        elapsed_s = (log.ended_at["run"] - log.started_at["run"]).total_seconds()
        assert log.told["run"] <= 2 * elapsed_s + 2

    def test_children_of_a_run_may_report_as_well(self, launcher: Launcher, log: WorkLog) -> None:
        """What several processes send at one time is not mixed up."""
        details = run(launcher, log, calling("forking", children=8)).details
        assert details is not None
        assert len(details["much"]) == 50_000

    def test_nonsense_on_the_channel_harms_nobody_else(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The run ends as it does; what no store could take is replaced."""
        outcome = run(launcher, log, calling("forging"))
        assert (outcome.state, outcome.details) == (RunState.SUCCEEDED, {"half": "?"})


class TestFailure(PythonWorkshop):
    """From the way a process ends to the outcome, in words."""

    def test_an_exception_is_the_error_and_its_traceback_the_output(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The traceback begins in the job's own code: nothing of the service is in it."""
        outcome = run(launcher, log, calling("failing"))
        assert (outcome.state, outcome.exit_code) == (RunState.FAILED, 1)
        assert outcome.error == "ValueError: no\nmore data"
        lines = said(outcome).splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert "tests/fakes/python_jobs.py" in lines[1]
        assert "job_process" not in said(outcome)

    @pytest.mark.parametrize(
        ("function", "arguments", "error"),
        [
            ("exiting", {"status": 3}, "the job ended its process: exit status 3"),
            ("vanishing", {"status": 0}, "the process of the job ended without a word"),
            ("vanishing", {"status": 7}, "without a word of how it went: exit status 7"),
            ("crashing", {}, "ended by signal SIGSEGV"),
            ("killed", {}, "ended by signal SIGKILL: by somebody, or because memory ran out"),
            ("no_such_function", {}, "has no function 'no_such_function'"),
            ("not_a_function", {}, "is no job: name a function of that module"),
            ("borrowed", {}, "is no job: name a function of that module"),
            ("_touch", {}, "is no job: name a function of that module"),
            ("quick", {"other": 1}, "got an unexpected keyword argument 'other'"),
        ],
    )
    def test_what_went_wrong_is_said(
        self,
        launcher: Launcher,
        log: WorkLog,
        function: str,
        arguments: dict[str, object],
        error: str,
    ) -> None:
        """Exits, crashes and names that lead nowhere: each in words of its own."""
        outcome = run(launcher, log, calling(function, **arguments))
        assert outcome.state is RunState.FAILED
        assert error in str(outcome.error)

    def test_an_exit_without_a_status_is_a_success(self, launcher: Launcher, log: WorkLog) -> None:
        """As for any program."""
        assert run(launcher, log, calling("exiting", status=0)).state is RunState.SUCCEEDED

    def test_a_crash_leaves_the_line_where_it_happened(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The output of a dead interpreter shows the job's own lines."""
        assert "in crashing" in said(run(launcher, log, calling("crashing")))

    def test_a_module_that_cannot_be_imported_says_why(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The run has begun, so it fails with the error of the import."""
        outcome = run(launcher, log, PythonTarget(callable="tests.fakes.no_such_module:work"))
        assert outcome.state is RunState.FAILED
        assert "cannot be imported: ModuleNotFoundError: No module named" in str(outcome.error)

    def test_a_module_that_is_not_permitted_is_never_imported(self, log: WorkLog) -> None:
        """The run does not even start; the error names the setting."""
        outcomes: dict[str, Outcome] = {}
        for name, permitted in (("none", ()), ("other", ("reports.jobs",))):
            launcher = PythonLauncher(
                log, SystemClock(), permitted=PermittedPrograms(modules=permitted)
            )
            launcher.start([make_work(calling("quick"), name)])
            outcomes[name] = log.wait_for_end(name)
            launcher.stop()
        assert "SOLOCRON_JOBS is not set" in str(outcomes["none"].error)
        assert f"module '{MODULE}' is not among the permitted ones (reports.jobs)" in str(
            outcomes["other"].error
        )
        assert log.started_at == {}


class TestZygote(PythonWorkshop):
    """What runs have of being forks, and what they have not."""

    def test_runs_share_nothing_but_the_standard_library(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Each imports its module anew, and draws random numbers of its own."""
        for number in range(3):
            launcher.start([make_work(calling("drawing"), f"run-{number}")])
        log.wait_for_ends(3)
        found = [outcome.details or {} for outcome in log.outcomes.values()]
        assert [one["imported"] for one in found] == [1, 1, 1]
        assert len({one["drawn"] for one in found}) == 3

    def test_what_a_program_does_at_its_end_is_done(self, launcher: Launcher, log: WorkLog) -> None:
        """Threads are waited for, and functions registered for the end are called."""
        assert said(run(launcher, log, calling("lingering"))) == "thread\natexit\n"

    def test_the_death_of_the_zygote_costs_no_run(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """The next run has a new one; one that goes on tells its own end."""
        launcher.start([make_work(calling("parent"), "first")])
        zygote = (log.wait_for_end("first").details or {})["parent"]
        launcher.start([make_work(calling("awaiting", path=str(tmp_path / "go")), "second")])
        eventually(lambda: "second" in log.details, 10, "the second one has begun")
        os.kill(zygote, signal.SIGKILL)
        eventually(lambda: not is_alive(zygote), 10, "the zygote is dead")
        launcher.start([make_work(calling("parent"), "third")])
        third = log.wait_for_end("third").details or {}
        assert third["parent"] not in {zygote, None}
        (tmp_path / "go").touch()
        second = log.wait_for_end("second")
        assert (second.state, second.details) == (RunState.SUCCEEDED, {"came": True})


class TestEnding(PythonWorkshop):
    """Ends before time."""

    def test_a_cancelled_job_may_tidy_up(self, patient: Launcher, log: WorkLog) -> None:
        """The context tells it; what it writes until its end is kept, and so are the details."""
        patient.start([make_work(calling("cooperating"))])
        eventually(lambda: "run" in log.details, 10, "the job has begun")
        patient.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.reason) == (RunState.CANCELLED, Reason.REQUESTED)
        assert said(outcome) == "began\ntidied up\n"
        assert outcome.details == {"done": 1, "total": 2}

    def test_an_async_job_is_cancelled_where_it_waits(
        self, patient: Launcher, log: WorkLog
    ) -> None:
        """CancelledError is raised inside it, and the context says the same."""
        patient.start([make_work(calling("waiting_async"))])
        eventually(lambda: "run" in log.details, 10, "the job has begun")
        patient.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.CANCELLED
        assert said(outcome) == "cancelled: True\n"

    def test_a_job_may_cancel_itself(self, patient: Launcher, log: WorkLog) -> None:
        """Nobody asked for it, so there is no reason; it is no failure."""
        outcome = run(patient, log, calling("giving_up"))
        assert (outcome.state, outcome.reason, outcome.error) == (RunState.CANCELLED, None, None)

    def test_who_ignores_the_end_is_gone_with_its_whole_group_after_the_grace(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """SIGTERM changes nothing; SIGKILL ends the job and its child."""
        launcher.start([make_work(calling("stubborn", pids=str(tmp_path / "pids")))])
        pids = written_pids(tmp_path / "pids", 2)
        launcher.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.signal) == (RunState.CANCELLED, 9)
        eventually(lambda: not any(map(is_alive, pids)), 5, "job and child are gone")

    def test_a_job_does_not_outlive_the_service(self, log: WorkLog, tmp_path: Path) -> None:
        """When the process of the launcher is killed, the kernel ends each run and its group."""
        service = os.fork()
        if service == 0:
            try:
                launcher = PythonLauncher(log, SystemClock(), permitted=PERMITTED)
                launcher.start([make_work(calling("stubborn", pids=str(tmp_path / "pids")))])
                Event().wait()
            finally:
                os._exit(1)
        pids = written_pids(tmp_path / "pids", 2)
        assert all(map(is_alive, pids))
        os.kill(service, signal.SIGKILL)
        os.waitpid(service, 0)
        eventually(lambda: not any(map(is_alive, pids)), 5, "job and child are gone")
