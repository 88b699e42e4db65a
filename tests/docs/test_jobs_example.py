"""The README's example of a file of jobs is one that apply takes."""

from __future__ import annotations

import re
from pathlib import Path

from executor.client.reading import read_text
from executor.domain.job import definition_from_document

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_a_file_of_jobs_can_be_applied() -> None:
    """Both of its documents are sound, and they name each other."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.S)

    (sources,) = [read_text(block, "README.md") for block in blocks]

    definitions = [definition_from_document(source.value) for source in sources]
    assert [one.name for one in definitions] == ["nightly-report", "load"]
    after = definitions[0].after
    assert after is not None
    assert after.jobs == ("load",)
