"""The README's table of settings is the one that the code reads."""

from __future__ import annotations

import re
from pathlib import Path

from executor.config.listing import markdown
from executor.config.variables import VARIABLES

README = Path(__file__).parents[2] / "README.md"

ADVICE = (
    "paste the output of\n"
    "    python -c 'from executor.config.listing import markdown; print(markdown())'\n"
    "between the two <!-- configuration --> lines of README.md"
)


def test_the_readme_shows_the_table_of_settings() -> None:
    """What stands between the marker lines is what the code says, character by character."""
    between = re.search(
        r"<!-- configuration -->\n(.*?)\n<!-- configuration -->",
        README.read_text(encoding="utf-8"),
        re.DOTALL,
    )

    assert between is not None, ADVICE
    assert between[1].strip() == markdown(), ADVICE


def test_the_table_has_every_variable_once() -> None:
    """One line for each variable, and every line has the same four columns."""
    _, _, *lines = markdown().splitlines()

    assert [line.split("`")[1] for line in lines] == [variable.name for variable in VARIABLES]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {5}
