"""Writing documents: one stream, or a file for each job in a folder.

The same jobs make the same bytes, whoever writes them and when, so that an export that is kept
in version control differs where jobs do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from executor.domain.yaml_text import to_yaml

#: What a file's name may hold of a job's.
_KEPT: Final = re.compile(r"[^\w.@+-]+")

#: Longest beginning of a job's name in a file's, bytes: file systems take 255 in all.
_LONGEST: Final = 100


def to_text(documents: Sequence[dict[str, Any]], form: str) -> str:
    """Return *documents* as one text: a YAML stream, or (``json``) a list."""
    if form == "json":
        return json.dumps(documents, indent=2, ensure_ascii=False) + "\n"
    return to_yaml(documents)


def write_to(target: Path, documents: Sequence[dict[str, Any]], form: str) -> list[Path]:
    """Write *documents* to the file or folder *target*.

    Returns:
        Files of the folder that hold other documents: nothing is deleted, but whoever applies
        the folder should know.

    Raises:
        OSError: it cannot be written.
    """
    if not target.is_dir():
        _replace(target, to_text(documents, form))
        return []
    written = set()
    for document in documents:
        file = target / f"{file_name(document['name'])}.{form}"
        text = to_text([document], form) if form == "yaml" else _object(document)
        _replace(file, text)
        written.add(file)
    return sorted(file for file in target.glob(f"*.{form}") if file not in written)


def file_name(name: str) -> str:
    """Return what the file of the job *name* is called, without its ending.

    Where that is not the name itself, the end tells names apart that look alike.

    >>> file_name("nightly-report"), file_name("a b")
    ('nightly-report', 'a-b.c8687a08')
    """
    kept = _KEPT.sub("-", name).lstrip(".-").encode()[:_LONGEST].decode(errors="ignore")
    if kept == name:
        return name
    return f"{kept}.{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip(".")


def _object(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _replace(file: Path, text: str) -> None:
    """Write *file* as a whole or not at all."""
    if file.exists() and not file.is_file():
        # A device or a pipe, such as /dev/stdout, which is written as it is.
        file.write_text(text, encoding="utf-8")
        return
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
