"""Jobs declared in code, by several instances, and one of them that runs for ever."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.failover.cluster import Cluster
from tests.failover.served import PATIENCE_S, ROOT
from tests.waiting import eventually

MODULE = """
import os
from pathlib import Path
from executor.jobs import job

@job(schedule="* * * * *", tags=["from code"])
def minutely(context):
    pass

@job(continuous=True)
def forever(context):
    trace = Path(__file__).with_name("trace")
    with trace.open("a") as file:
        file.write(f"{context.run_id} {os.getpid()}\\n")
    context.progress(1)
    context.cancelled.wait()
"""

GATE = """
from pathlib import Path

def check():
    if not Path(__file__).with_name("open").exists():
        raise RuntimeError("the gate is shut")
"""


def _begun(folder: Path) -> list[tuple[str, int]]:
    """Return run and process of every start of the continuous job, in order."""
    trace = folder / "trace"
    lines = trace.read_text().splitlines() if trace.exists() else []
    return [(run, int(pid)) for run, pid in (line.split() for line in lines)]


def _goes_on(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _is_said(cluster: Cluster, words: str) -> bool:
    return any(words in one["detail"] for one in cluster.status()["instances"])


@pytest.mark.parametrize("fixture", ["make_cluster", "make_embedded"])
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_jobs_in_code_are_saved_once_and_a_continuous_one_moves_with_the_executor(
    request: pytest.FixtureRequest, fixture: str, tmp_path: Path
) -> None:
    """Two instances, one revision; after kill -9 one run of it goes on, and its process died."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "moving_jobs.py").write_text(MODULE)
    (code / "gate.py").write_text(GATE)
    settings = {
        "PYTHONPATH": f"{ROOT}:{code}",
        "SOLOCRON_JOBS": "moving_jobs",
        "SOLOCRON_PRECONDITION": "gate:check",
        "SOLOCRON_RUN_LEASE": "3s",
    }
    make: Callable[..., Cluster] = request.getfixturevalue(fixture)
    cluster = make(size=2, settings=settings)

    def read(path: str) -> Any:
        """Return what any instance answers; one may be starting."""

        def look() -> Any:
            status, document = cluster.request("GET", f"/v1/jobs/{path}")
            return document if status == HTTPStatus.OK else None

        return eventually(look, PATIENCE_S, f"{path} is there", ignoring=(OSError,))

    eventually(lambda: _is_said(cluster, "the gate is shut"), PATIENCE_S, "it is said")
    declared = read("minutely")
    assert (declared["managed_by"], declared["in_code"], declared["revision"]) == ("code", True, 1)
    assert _begun(code) == []
    (code / "open").touch()
    eventually(lambda: _begun(code), PATIENCE_S, "the continuous job begins")
    (_, first), leader = _begun(code)[0], cluster.leader()

    leader.member.kill()
    eventually(lambda: len(_begun(code)) == 2, PATIENCE_S, "it begins again")
    (_, second) = _begun(code)[1]

    assert not _goes_on(first)
    assert _goes_on(second)
    leader.member.start()
    eventually(lambda: cluster.leader().term > leader.term, PATIENCE_S, "somebody executes")

    def is_told() -> bool:
        newest, *former = read("forever/runs")["items"]
        told = (newest["state"], newest["details"], [run["state"] for run in former])
        return told == ("running", {"done": 1, "total": None}, ["lost"])

    # What the job itself has done may be seen before what is said of it.
    eventually(is_told, PATIENCE_S, "it is said how both runs go")

    assert [read(name)["revision"] for name in ("minutely", "forever")] == [1, 1]
    assert len(_begun(code)) == 2
