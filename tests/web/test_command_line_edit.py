"""``solocron jobs edit``, with editors that are small programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.web.command_line import solocron
from tests.web.serving import served
from tests.web.world import NIGHTLY, World, json_of

#: Seconds for a process of its own, on a machine with much else to do.
PATIENCE_S = 60


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


Edit = Callable[[str], Result]


@pytest.fixture
def edit(url: str, tmp_path: Path, world: World) -> Edit:
    """Return what edits the job `nightly` by a program, which is given the text's file as `f`."""
    world.add(NIGHTLY, description="as it was")

    def run(program: str) -> Result:
        return solocron(url, "jobs", "edit", "nightly", env=environ(tmp_path, url, program))

    return run


def environ(folder: Path, url: str, program: str) -> dict[str, str]:
    """Return an environment with *program*, in Python, as the editor."""
    editor = folder / "editor"
    head = f"#!{sys.executable}\nimport json, sys, urllib.request\nfrom pathlib import Path\n"
    editor.write_text(f"{head}f, url = Path(sys.argv[1]), {url!r}\nt = f.read_text()\n{program}\n")
    editor.chmod(0o700)
    return {"VISUAL": str(editor), "TMPDIR": str(folder), "SOLOCRON_URL": url, "no_proxy": "*"}


def kept(folder: Path) -> list[str]:
    """Return what was written and is still there."""
    return [file.read_text() for file in folder.glob("solocron-*/*.yaml")]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is written in the test's own folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_text_explains_itself(edit: Edit, tmp_path: Path) -> None:
    """The job as it is exported, then every default with what it is for."""
    result = edit(f"Path({str(tmp_path)!r}, 'seen').write_text(t)")

    assert result.exit_code == 0, result.output
    assert result.stdout == "Nothing is changed.\n"
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("# The job 'nightly' of http://127.0.0.1:")
    assert 'name: nightly\ndescription: as it was\nschedule: "30 2 * * *"\n' in seen
    assert "## longest time of a run\n# timeout: PT1H\n" in seen
    assert kept(tmp_path) == []


@pytest.mark.parametrize("program", ["f.write_text('')", "f.write_text('# nothing\\n')", "pass"])
def test_a_text_that_says_nothing_changes_nothing(edit: Edit, world: World, program: str) -> None:
    """The way out of an editor that was entered by mistake."""
    assert edit(program).stdout == "Nothing is changed.\n"
    assert json_of(world.get("/v1/jobs/nightly"))["revision"] == 1


def test_what_was_changed_is_shown(edit: Edit, world: World, tmp_path: Path) -> None:
    """Field by field, and the new revision; the file is gone."""
    result = edit(
        "f.write_text(t.replace('as it was', 'new').replace('# timeout: PT1H', 'timeout: 5m'))"
    )

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        'description: "as it was" -> new',
        "timeout: PT1H -> PT5M",
        "nightly is at revision 2.",
    ]
    assert kept(tmp_path) == []


def test_with_json_it_prints_the_job_and_nothing_else(
    world: World, url: str, tmp_path: Path
) -> None:
    """As it is now, whether it was changed or not."""
    world.add(NIGHTLY, description="as it was")
    for program, revision in (("f.write_text(t.replace('as it was', 'new'))", 2), ("", 2)):
        how = environ(tmp_path, url, program)
        result = solocron(url, "jobs", "edit", "nightly", "--json", env=how)

        assert result.exit_code == 0, result.output
        shown = json.loads(result.stdout)
        assert (shown["description"], shown["revision"]) == ("new", revision)


def test_a_job_is_renamed(edit: Edit, world: World) -> None:
    """It stays the same job."""
    before = json_of(world.get("/v1/jobs/nightly"))["id"]

    assert edit("f.write_text(t.replace('name: nightly', 'name: daily'))").exit_code == 0

    assert json_of(world.get("/v1/jobs/daily"))["id"] == before


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("t.replace('30 2 * *', '99 2 * *')", ":8: schedule.expression: minute `99`"),
        ("t.replace('schedule:', 'shedule:')", ":8: shedule: unknown field"),
        ("t.replace('name: ', 'name: [')", ": is no YAML: "),
        ("t + '---\\nname: other\\n'", "holds several documents; keep one"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_lost(
    edit: Edit, world: World, tmp_path: Path, program: str, says: str
) -> None:
    """With line and field; where nobody can be asked, the text is kept and named."""
    result = edit(f"f.write_text({program})")

    assert result.exit_code == 1
    assert says in result.stderr
    [text] = kept(tmp_path)
    assert "as it was" in text
    assert "What you wrote is kept in " in result.stderr
    assert json_of(world.get("/v1/jobs/nightly"))["revision"] == 1


CHANGE = """
asked = urllib.request.Request(f"{url}/v1/jobs/nightly", method="PATCH",
    data=json.dumps({"owner": "other"}).encode(), headers={"Content-Type": "application/json"})
urllib.request.urlopen(asked).close()
f.write_text(t.replace("as it was", "mine"))
"""

DELETE = """
urllib.request.urlopen(urllib.request.Request(f"{url}/v1/jobs/nightly", method="DELETE")).close()
f.write_text(t.replace("as it was", "mine"))
"""


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    edit: Edit, world: World, tmp_path: Path
) -> None:
    """It is shown, and what was written is kept."""
    result = edit(CHANGE)

    assert result.exit_code == 1
    assert "somebody else has changed nightly meanwhile; nothing was changed:" in result.stderr
    assert '  owner: "" -> other' in result.stderr
    assert "mine" in kept(tmp_path)[0]
    assert json_of(world.get("/v1/jobs/nightly"))["description"] == "as it was"


def test_a_job_that_was_deleted_meanwhile_stays_so(edit: Edit, tmp_path: Path) -> None:
    """What was written is kept."""
    result = edit(DELETE)

    assert result.exit_code == 1
    assert "mine" in kept(tmp_path)[0]


def test_an_editor_that_fails_loses_nothing(edit: Edit, tmp_path: Path) -> None:
    """It is told how to have another one."""
    result = edit("f.write_text(t.replace('as it was', 'mine')); sys.exit(3)")

    assert result.exit_code == 1
    assert "set VISUAL or EDITOR" in result.stderr
    assert "mine" in kept(tmp_path)[0]


def test_no_job_no_editor(url: str) -> None:
    """What is not there cannot be edited."""
    result = solocron(url, "jobs", "edit", "nobody", env={"VISUAL": "false"})

    assert result.exit_code == 1
    assert result.stderr == "solocron: there is no job 'nobody'\n"


AGAIN = """
if t.startswith("#! "):
    Path(f.parent.parent, "again").write_text(t)
    f.write_text(t.replace("99 2 * *", "40 2 * *"))
else:
    f.write_text(t.replace("30 2 * *", "99 2 * *"))
"""


def test_on_a_terminal_it_can_be_edited_again(world: World, url: str, tmp_path: Path) -> None:
    """With what is wrong on top of the text, as it was written."""
    world.add(NIGHTLY)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "executor.cli", "jobs", "edit", "nightly"]
    variables = {**os.environ, **environ(tmp_path, url, AGAIN)}
    os.write(ours, b"y\n")
    ended = subprocess.run(
        command, stdin=theirs, capture_output=True, env=variables, check=False, timeout=PATIENCE_S
    )
    os.close(theirs)
    os.close(ours)

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "again").read_text().startswith("#! schedule.expression: minute `99`")
    assert json_of(world.get("/v1/jobs/nightly"))["schedule"]["expression"] == "40 2 * * *"
