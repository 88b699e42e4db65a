"""What is no schedule, and exactly what is said about it: the part, and what to write.

The table is ``rejected_schedules.txt``: a document as JSON, then, indented, its faults.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import schedule_from_document


def rejected() -> list[tuple[str, list[str]]]:
    """Return each document of the table with its faults as ``field: message``."""
    found: list[tuple[str, list[str]]] = []
    for line in (Path(__file__).parent / "rejected_schedules.txt").read_text().splitlines():
        if line.startswith("    "):
            found[-1][1].append(line.strip())
        elif line and not line.startswith("#"):
            found.append((line, []))
    return found


TABLE = rejected()


def test_the_table_is_long_enough() -> None:
    """At least sixty documents, over every kind and every field."""
    fields = {fault.partition(":")[0] for _, faults in TABLE for fault in faults}

    assert len(TABLE) >= 60
    assert fields >= {"expression", "at", "kind", "timezone", "jitter", "not_before", "not_after"}


@pytest.mark.parametrize(("document", "faults"), TABLE, ids=[document for document, _ in TABLE])
def test_what_is_refused_names_the_part_and_the_fix(document: str, faults: list[str]) -> None:
    """Every fault, under the path of its field, in these words."""
    with pytest.raises(InvalidSchedule) as refused:
        schedule_from_document(json.loads(document))

    found = [f"{fault.field or '-'}: {fault.message}" for fault in refused.value.faults]
    assert found == faults
