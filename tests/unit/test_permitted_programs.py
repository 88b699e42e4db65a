"""Which programs may run: the setting, the rule, and the executor's word on saving."""

from __future__ import annotations

from typing import Any

import pytest

from executor.config import Settings
from executor.config.listing import rows
from executor.domain.command import ResultStatus
from executor.domain.errors import ConfigError
from executor.domain.permitted_programs import ALL_PROGRAMS, CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from tests.builders import a_definition, a_job, create, update
from tests.unit.desk_driver import Driver, with_jobs

OFF = PermittedPrograms(CommandsMode.OFF)
LISTED = PermittedPrograms(CommandsMode.ALLOW_LIST, ("/usr/bin/rsync", "/opt/backup"))


def command(**fields: Any) -> dict[str, Any]:
    """Return a command target as its user writes it."""
    return {"kind": "command", **fields}


def faults(permitted: PermittedPrograms, target: dict[str, Any]) -> dict[str, str]:
    """Return what *permitted* has against *target*, message by field."""
    found = permitted.faults(a_definition(target=target).target)
    return {fault.field: fault.message for fault in found}


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("127.0.0.1", CommandsMode.ON),
        ("127.9.9.9", CommandsMode.ON),
        ("::1", CommandsMode.ON),
        ("localhost", CommandsMode.ON),
        ("0.0.0.0", CommandsMode.OFF),
        ("::", CommandsMode.OFF),
        ("10.1.2.3", CommandsMode.OFF),
        ("cron.example.com", CommandsMode.OFF),
    ],
)
def test_who_can_reach_the_service_decides_unless_the_operator_does(
    host: str, mode: CommandsMode
) -> None:
    """On for this machine alone, off for others; said in so many words, either way."""
    assert Settings.from_env({"SOLOCRON_HOST": host, "SOLOCRON_AUTH": "off"}).commands is mode
    assert Settings.from_env(
        {"SOLOCRON_HOST": host, "SOLOCRON_AUTH": "off", "SOLOCRON_COMMANDS": "on"}
    ).commands is (CommandsMode.ON)
    assert Settings.from_env(
        {"SOLOCRON_HOST": host, "SOLOCRON_AUTH": "off", "SOLOCRON_COMMANDS": "off"}
    ).commands is (CommandsMode.OFF)


def test_platforms_that_publish_the_service_have_commands_off() -> None:
    """They listen on all addresses without being told."""
    assert Settings.from_env({"DYNO": "web.1", "SOLOCRON_AUTH": "on"}).commands is CommandsMode.OFF


@pytest.mark.parametrize(
    ("environ", "advice"),
    [
        ({"SOLOCRON_COMMANDS": "allow-list"}, "write the programs' paths"),
        ({"SOLOCRON_COMMANDS_ALLOWED": "/bin/true"}, "set SOLOCRON_COMMANDS to allow-list"),
        (
            {"SOLOCRON_COMMANDS": "on", "SOLOCRON_COMMANDS_ALLOWED": "/bin/true"},
            "set SOLOCRON_COMMANDS to allow-list",
        ),
    ],
)
def test_the_list_and_its_mode_need_each_other(environ: dict[str, str], advice: str) -> None:
    """A list that nobody looks at, and a mode without one, are faults."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)

    (fault,) = caught.value.faults
    assert fault.field == "SOLOCRON_COMMANDS_ALLOWED"
    assert advice in fault.message


def test_the_list_is_shown_as_it_is_written() -> None:
    """With commas between, for copying."""
    environ = {
        "SOLOCRON_COMMANDS": "allow-list",
        "SOLOCRON_COMMANDS_ALLOWED": "/bin/true,/bin/false",
    }
    shown = {row.name: row.value for row in rows(Settings.from_env(environ))}

    assert shown["SOLOCRON_COMMANDS"] == "allow-list"
    assert shown["SOLOCRON_COMMANDS_ALLOWED"] == "/bin/true,/bin/false"


def test_switched_off_no_program_may_run_but_requests_may() -> None:
    """The fault is at the field in use and names the setting."""
    request = {"kind": "http", "url": "http://example.com"}

    assert list(faults(OFF, command(argv=["true"]))) == ["target.argv"]
    assert "SOLOCRON_COMMANDS is off" in faults(OFF, command(command="true"))["target.command"]
    assert faults(OFF, request) == faults(LISTED, request) == {}
    assert faults(ALL_PROGRAMS, command(command="rm -rf /tmp/x")) == {}


@pytest.mark.parametrize(
    "target",
    [
        command(argv=["/opt/backup", "--all", "/bin/sh"]),
        command(command="/usr/bin/rsync -a 'a b' c"),
        command(argv=["/opt/backup"], env={"LDAP_URL": "x", "DAY": "1", "GITHUB_SHA": "2"}),
    ],
)
def test_a_listed_program_may_run_with_any_arguments(target: dict[str, Any]) -> None:
    """Its path is what counts, however the command is written."""
    assert faults(LISTED, target) == {}


@pytest.mark.parametrize(
    "program",
    ["/bin/sh", "rsync", "/usr/bin/../bin/rsync", "/usr/bin//rsync", "/opt/backup2", "/opt/Backup"],
)
def test_a_program_that_is_not_listed_exactly_may_not_run(program: str) -> None:
    """No PATH, no dots, no prefix; the fault names the list and the setting."""
    (message,) = faults(LISTED, command(argv=[program, "-c", "id"])).values()

    assert repr(program) in message
    assert "/usr/bin/rsync, /opt/backup" in message
    assert "SOLOCRON_COMMANDS_ALLOWED" in message


def test_a_shell_that_is_listed_runs_anything() -> None:
    """It is the operator's decision."""
    listed = PermittedPrograms(CommandsMode.ALLOW_LIST, ("/bin/sh",))

    assert faults(listed, command(command="/bin/sh -c 'id | wc'")) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LD_PRELOAD", "/tmp/x.so"),
        ("BASH_ENV", "$(id)"),
        ("PYTHONPATH", "/tmp"),
        ("PATH", "/tmp"),
        ("PERL5OPT", "-Mx"),
        ("HARMLESS", "() { id; }"),
    ],
)
def test_no_variable_turns_a_listed_program_into_another(name: str, value: str) -> None:
    """What loaders and interpreters obey is refused by name; without a list it is free."""
    target = command(argv=["/opt/backup"], env={name: value, "DAY": "1"})

    assert list(faults(LISTED, target)) == [f"target.env.{name}"]
    assert faults(ALL_PROGRAMS, target) == {}


def test_a_long_list_makes_a_short_sentence() -> None:
    """Five programs are named, the others counted."""
    many = PermittedPrograms(CommandsMode.ALLOW_LIST, tuple(f"/p/{n}" for n in range(40)))

    assert "/p/4 and 35 more" in faults(many, command(argv=["x"]))["target.argv"]


def test_the_executor_refuses_to_save_what_may_not_run() -> None:
    """Whatever web let through: invalid, with the fault, and nothing is written."""
    driver = Driver(permitted=PermittedTargets(LISTED))
    driver.take_over()

    refused = driver.ask(create("backup", target=command(argv=["/bin/sh"])))
    taken = driver.ask(create("other", target=command(argv=["/opt/backup"])))

    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == ["target.argv"]
    assert taken.status is ResultStatus.CREATED


def test_a_job_saved_before_can_be_changed_but_for_its_target() -> None:
    """It stays, and can be disabled; another forbidden program is refused."""
    job = a_job("backup", target=command(argv=["/bin/sh"]))
    driver = Driver(with_jobs(job), permitted=PermittedTargets(OFF))
    driver.take_over()

    disabled = driver.ask(update(target=command(argv=["/bin/sh"]), enabled=False))
    other = driver.ask(update(target=command(argv=["/bin/true"])))

    assert disabled.status is ResultStatus.DONE
    assert not driver.job().definition.enabled
    assert other.status is ResultStatus.INVALID
