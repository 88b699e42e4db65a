"""Programs that the instance does not permit: their runs fail, whatever was saved."""

from executor.adapters.command_target import CommandLauncher
from executor.adapters.launchers import Launchers
from executor.adapters.system_clock import SystemClock
from executor.bootstrap import build_launchers
from executor.config import Settings
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.run import RunState
from executor.domain.targets import CommandTarget
from tests.contract.command_workshop import CleanLeaving
from tests.contract.launcher_contract import make_work
from tests.contract.programs import run, said, shell
from tests.fakes.work_log import WorkLog


class TestPermission(CleanLeaving):
    """What a launcher does with a command that may not run on its instance."""

    def test_switched_off_every_program_fails_and_says_which_setting_it_was(
        self, log: WorkLog
    ) -> None:
        """The run never starts; its error names the field and the setting."""
        permitted = PermittedPrograms(CommandsMode.OFF)
        launcher = CommandLauncher(log, SystemClock(), permitted=permitted)
        outcome = run(launcher, log, shell("echo hello"))
        launcher.stop()
        assert (outcome.state, outcome.output) == (RunState.FAILED, None)
        assert outcome.error is not None
        assert "target.argv: no programs are run here: SOLOCRON_COMMANDS is off" in outcome.error
        assert log.started_at == {}

    def test_with_a_list_only_what_is_listed_runs(self, log: WorkLog) -> None:
        """One batch: the listed program succeeds, the other one fails."""
        permitted = PermittedPrograms(CommandsMode.ALLOW_LIST, ("/bin/echo",))
        launcher = CommandLauncher(log, SystemClock(), permitted=permitted)
        launcher.start(
            [
                make_work(CommandTarget(command="/bin/echo hello"), "listed"),
                make_work(shell("/bin/echo hello"), "shell"),
                make_work(CommandTarget(argv=("echo", "hello")), "short"),
            ]
        )
        log.wait_for_ends(3)
        launcher.stop()
        assert said(log.outcomes["listed"]) == "hello\n"
        assert log.outcomes["shell"].state is log.outcomes["short"].state is RunState.FAILED
        assert list(log.started_at) == ["listed"]

    def test_the_setting_reaches_the_launchers(self, log: WorkLog) -> None:
        """An instance that listens on all addresses runs no program unless told to."""
        settings = Settings.from_env({"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off"})
        launcher = build_launchers(settings, SystemClock())(log)
        assert isinstance(launcher, Launchers)
        outcome = run(launcher, log, shell("echo hello"))
        launcher.stop()
        assert outcome.state is RunState.FAILED
