"""``solocron jobs edit``: a job in the editor, until it is right or given up.

Rules
-----
1. Nothing that was written is lost: the text stays in its file until the service has taken it,
   and whoever gives up is told where that is.
2. The job is changed only if it is still what was shown.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from executor.client.changing import change
from executor.client.connection import Connection, NoAnswer, Refusal, path_of
from executor.client.editing import is_empty, text_of, with_faults, without_faults
from executor.client.present import Present, fetch_job
from executor.client.reading import read_text
from executor.client.source import Faulty, Place, Source
from executor.client.writing import file_name
from executor.commands import screen
from executor.commands.completing import JOB
from executor.commands.service import (
    FAILED,
    ServiceCommand,
    address,
    as_json,
    connect,
    failures_shown,
)
from executor.domain.difference import differences
from executor.domain.errors import InvalidJob


@click.command("edit", cls=ServiceCommand)
@JOB
@as_json
@address
def edit(job: str, as_json: bool, url: str | None) -> None:
    """Change JOB in your editor, as YAML.

    The editor is that of VISUAL or EDITOR.  What the service finds wrong is shown field by field,
    and you may edit again.  If somebody else has changed the job meanwhile nothing is changed, and
    you are shown what; what you wrote is kept in a file.

    \b
    Examples:
      solocron jobs edit nightly-report
      EDITOR=nano solocron jobs edit nightly-report
    """
    with failures_shown(), connect(url) as connection:
        present = fetch_job(connection, job)
        if present is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is no job {job!r}")
        if present.definition is None:
            detail = f"the record of job {job!r} cannot be read ({present.error}); delete it"
            raise Refusal(HTTPStatus.CONFLICT, detail)
        status = _Editing(connection, present, present.definition, quiet=as_json).go()
        if as_json and status == 0:
            screen.show_json(connection.get(path_of("jobs", present.id)))
    sys.exit(status)


class _Editing:
    """One job being edited; ``quiet``: what came of it is not said in words."""

    def __init__(
        self, connection: Connection, present: Present, definition: Mapping[str, Any], quiet: bool
    ) -> None:
        self._say = (lambda words: None) if quiet else click.echo
        self._connection, self._present, self._definition = connection, present, definition
        folder = Path(tempfile.mkdtemp(prefix="solocron-"))
        self._file = folder / f"{file_name(present.name)}.yaml"

    def go(self) -> int:
        """Edit until it is right or given up; return the exit status."""
        try:
            shown = text_of(self._definition, self._connection.url)
        except InvalidJob as error:
            raise NoAnswer(f"{error}; is this an older solocron than the service?") from None
        self._file.write_text(shown, encoding="utf-8")
        while True:
            try:
                written = self._written()
                if written == shown or is_empty(written):
                    self._say("Nothing is changed.")
                    self._forget()
                    return 0
                return self._try(written)
            except Faulty as error:
                if not self._again(written, error.faults):
                    return self._given_up()
            except (NoAnswer, Refusal) as error:
                screen.say(f"solocron: {error}")
                return self._given_up()

    def _written(self) -> str:
        """Return what stands in the file once the editor was left."""
        try:
            click.edit(filename=str(self._file), extension=".yaml")
        except click.ClickException as error:
            kept = f"{error.format_message()}; set VISUAL or EDITOR to a program that is there"
            raise NoAnswer(kept) from None
        return without_faults(self._file.read_text(encoding="utf-8", errors="replace"))

    def _try(self, written: str) -> int:
        """Let the service have the job as it is written.

        Raises:
            Faulty: it is no job.
            NoAnswer, Refusal: it cannot be changed.
        """
        source = _source(written, str(self._file))
        path = path_of("jobs", self._present.id)
        try:
            job = change(
                self._connection, "PUT", path, source.value, revision=self._present.revision
            )
        except Refusal as refusal:
            if refusal.status == HTTPStatus.PRECONDITION_FAILED:
                return self._overtaken()
            if refusal.errors:
                faults = [source.fault(one["field"], one["message"]) for one in refusal.errors]
                raise Faulty(faults) from None
            raise
        self._forget()
        found = fetch_job(self._connection, job["id"])
        after = (found and found.definition) or {}
        changed = differences(self._definition, after)
        for difference in changed:
            for line in difference.lines():
                self._say(line)
        self._say(f"{job['name']} is at revision {job['revision']}.")
        return 0

    def _overtaken(self) -> int:
        """Say what somebody else has done in the meantime."""
        name = self._present.name
        found = fetch_job(self._connection, self._present.id)
        if found is None:
            screen.say(f"solocron: somebody has deleted {name} meanwhile; nothing was changed")
            return self._given_up()
        screen.say(f"solocron: somebody else has changed {name} meanwhile; nothing was changed:")
        for difference in differences(self._definition, found.definition or {}):
            for line in difference.lines():
                screen.say(f"  {line}")
        return self._given_up()

    def _again(self, written: str, faults: Sequence[Place]) -> bool:
        """Show what is wrong, and ask whether to edit again."""
        for fault in faults:
            screen.say(f"solocron: {fault}")
        if not sys.stdin.isatty():
            return False
        try:
            again = click.confirm("Edit again?", default=True, err=True)
        except click.Abort:  # Ctrl-C
            again = False
        if again:
            self._file.write_text(with_faults(written, faults), encoding="utf-8")
        return again

    def _given_up(self) -> int:
        screen.say(f"What you wrote is kept in {self._file}; solocron apply -f takes it.")
        return FAILED

    def _forget(self) -> None:
        self._file.unlink()
        # An editor may have left something of its own there.
        with suppress(OSError):
            self._file.parent.rmdir()


def _source(written: str, file: str) -> Source:
    sources = read_text(written, file)
    if len(sources) != 1:
        raise Faulty([Place(file, 0, "", "holds several documents; keep one")])
    return sources[0]
