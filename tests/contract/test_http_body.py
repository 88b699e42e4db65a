"""The body of an answer decides too, where a job asks for it."""

import pytest

from executor.domain.expect_body import ExpectBody
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Launcher
from tests.contract.http_workshop import HttpWorkshop
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

UP = ExpectBody(json_pointer="/checks/0/ok", equals=True)


class TestBody(HttpWorkshop):
    """From the body to the outcome."""

    @pytest.mark.parametrize(
        ("body", "expected", "error"),
        [
            ("it is done", ExpectBody(contains="done"), None),
            ('{"checks": [{"ok": true}]}', UP, None),
            (
                '{"checks": [{"ok": 1}]}',
                UP,
                '"/checks/0/ok" of the answer is 1; expected true',
            ),
            (
                "it is not",
                ExpectBody(contains="done"),
                'the answer does not contain "done"; it begins with "it is not"',
            ),
            ("", ExpectBody(contains="done"), "the answer has no body"),
        ],
    )
    def test_a_body_that_is_not_as_expected_fails_the_run(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        body: str,
        expected: ExpectBody,
        error: str | None,
    ) -> None:
        """The status is kept, the error says what was found, and the output is there."""
        target = HttpTarget(url=f"{server.url}/echo", body=body, expect_body=expected)
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        assert outcome.state is (RunState.FAILED if error else RunState.SUCCEEDED)
        assert (outcome.http_status, outcome.error) == (200, error)
        assert (outcome.output.head if outcome.output else "") == body

    def test_the_status_is_judged_first(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """An unexpected status is the error, whatever the body says."""
        target = HttpTarget(
            url=f"{server.url}/status/500", expect_body=ExpectBody(contains="this is 500")
        )
        launcher.start([make_work(target)])
        assert log.wait_for_end("run").error == "the target answered 500; expected 2xx"

    def test_a_long_body_is_searched_as_far_as_it_is_kept(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The error says how long it was and how much of it was searched."""
        near = ExpectBody(contains="000000000000001\n")
        far = ExpectBody(contains="000000000009999\n")
        for name, expected in (("near", near), ("far", far)):
            target = HttpTarget(url=f"{server.url}/bytes/160000", expect_body=expected)
            launcher.start([make_work(target, name)])
        log.wait_for_ends(2)
        assert log.outcomes["near"].state is RunState.SUCCEEDED
        error = log.outcomes["far"].error
        assert error is not None
        assert "of its 160,000 bytes only the first 32,768 characters" in error
