"""Secrets on their last way: into a request or a program, and out of all that is kept."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from executor.adapters.keyring import Keyring
from executor.adapters.launchers import Launchers
from executor.adapters.python_target import PythonLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Outcome, RunState
from executor.domain.targets import CommandTarget, HttpTarget, Target
from executor.ports.keys import Opener
from executor.ports.target import Launcher, Work
from tests.contract.http_workshop import DEAD_PORT
from tests.contract.launcher_contract import make_work
from tests.contract.python_workshop import PERMITTED, calling
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

KEYRING = Keyring([b"k" * 32])

VALUE = "correct horse; echo 'staple'"


def using(target: Target, run_id: str = "run", **secrets: str) -> Work:
    """Return a run with sealed secrets: TOKEN, unless others are given."""
    values = secrets or {"TOKEN": VALUE}
    sealed = {name: KEYRING.seal(name, value) for name, value in values.items()}
    return replace(make_work(target, run_id), sealed=sealed)


def launchers(log: WorkLog, opener: Opener | None) -> Iterator[Launcher]:
    launcher = Launchers(log, SystemClock(), opener=opener)
    yield launcher
    launcher.stop()


@pytest.fixture
def launcher(log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
    yield from launchers(log, KEYRING)


@pytest.fixture
def keyless(log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
    yield from launchers(log, None)


def kept(outcome: Outcome) -> str:
    """Return everything that is kept of a run."""
    return repr(outcome)


def test_a_request_carries_its_secrets_and_its_answer_does_not(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """In URL, header and body; a target that echoes them is heard without them."""
    target = HttpTarget(
        url=f"{server.url}/echo?key={{{{ secret.TOKEN | url }}}}",
        headers={"Authorization": "Bearer {{ secret.TOKEN }}"},
        body='{"key": {{ secret.TOKEN | json }}, "again": "{{ secret.TOKEN }}"}',
    )
    launcher.start([using(target)])
    outcome = log.wait_for_end("run")

    [request] = server.requests
    assert request.path.endswith("?key=correct%20horse%3B%20echo%20%27staple%27")
    assert request.headers["authorization"] == f"Bearer {VALUE}"
    assert request.body.decode().count("correct horse") == 2
    assert outcome.output is not None
    assert outcome.output.head == '{"key": "[secret TOKEN]", "again": "[secret TOKEN]"}'
    assert "correct" not in kept(outcome)


def test_a_program_gets_its_secrets_and_its_output_does_not(
    launcher: Launcher, log: WorkLog
) -> None:
    """As a word, within a script, and in the environment; nothing in them is obeyed."""
    text = CommandTarget(
        command="sh -c 'echo {{ secret.TOKEN }} | base64; echo {{ secret.TOKEN }}'"
    )
    words = CommandTarget(
        argv=("sh", "-c", 'echo "$1 $OWN"', "sh", "{{ secret.TOKEN }}"),
        env={"OWN": "{{ secret.TOKEN }}"},
    )
    launcher.start([using(text, "text"), using(words, "words")])
    log.wait_for_ends(2)

    for name in ("text", "words"):
        outcome = log.outcomes[name]
        assert outcome.state is RunState.SUCCEEDED
        assert outcome.output is not None
        assert outcome.output.head.count("[secret TOKEN]") == 2
        assert "staple" not in kept(outcome)
        assert outcome.output.size < 60


def test_a_python_job_gets_its_secrets_and_what_is_kept_of_it_does_not(
    log: WorkLog,
) -> None:
    """As an argument; not in its details, names included, its output, and its error."""
    launcher = PythonLauncher(log, SystemClock(), permitted=PERMITTED, opener=KEYRING)
    secret = "{{ secret.TOKEN }}"
    launcher.start(
        [
            using(calling("naming", value=secret), "details"),
            using(calling("writing", state=secret), "error"),
        ]
    )
    log.wait_for_ends(2)
    launcher.stop()

    assert log.outcomes["details"].details == {"[secret TOKEN]": [{"of": "[secret TOKEN]"}]}
    error = log.outcomes["error"]
    assert error.output is not None
    assert "[secret TOKEN]" in error.output.head
    assert "[secret TOKEN]" in str(error.error)
    assert "staple" not in kept(error)


def test_an_error_does_not_say_a_secret(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """Neither a host nor a program that is a secret is named."""
    host = HttpTarget(url=f"http://{{{{ secret.HOST }}}}:{DEAD_PORT}/")
    odd = HttpTarget(url="http://{{ secret.ODD }}/")
    program = CommandTarget(command="{{ secret.HOST }} x")
    launcher.start(
        [
            using(host, "host", HOST="private.localhost"),
            using(odd, "odd", ODD="private" + "\u00fc" * 70),
            using(program, "program", HOST="/private.localhost"),
        ]
    )
    log.wait_for_ends(3)

    for outcome in log.outcomes.values():
        assert outcome.state is RunState.FAILED
        assert "[secret " in str(outcome.error)
        assert "private" not in kept(outcome)


@pytest.mark.parametrize(
    "target",
    [
        HttpTarget(url="http://x/{{ secret.TOKEN }}"),
        CommandTarget(command="echo {{ secret.TOKEN }}"),
    ],
    ids=["http", "command"],
)
class TestTrouble:
    """A secret that cannot be had ends its run, with words that help."""

    def test_a_secret_that_is_missing_is_named(
        self, launcher: Launcher, log: WorkLog, target: Target
    ) -> None:
        """It is not taken for an empty one."""
        launcher.start([using(target, OTHER="other")])
        outcome = log.wait_for_end("run")

        assert outcome.state is RunState.FAILED
        assert "secret 'TOKEN' is missing" in str(outcome.error)

    def test_a_secret_of_another_key_is_told_apart(
        self, launcher: Launcher, log: WorkLog, target: Target
    ) -> None:
        """The operator of the keys can do something about it."""
        foreign = Keyring([b"f" * 32]).seal("TOKEN", VALUE)
        launcher.start([replace(make_work(target), sealed={"TOKEN": foreign})])

        assert "sealed with the key" in str(log.wait_for_end("run").error)

    def test_without_a_key_a_run_says_how_to_make_one(
        self, keyless: Launcher, log: WorkLog, target: Target
    ) -> None:
        """Other runs go on."""
        keyless.start([using(target), make_work(CommandTarget(command="echo hello"), "other")])
        log.wait_for_ends(2)

        assert "openssl rand -base64 32" in str(log.outcomes["run"].error)
        assert log.outcomes["other"].state is RunState.SUCCEEDED
