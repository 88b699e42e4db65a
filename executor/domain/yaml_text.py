"""Documents as YAML text: one text for one value, today and in ten years.

Written here and not by a library, because what is exported is kept in version control: another
version of a library must not change a line of it.  The text is block style, keys in the order
given, two spaces a level.

Rules
-----
1. A text stands without quotes only if no version of YAML takes it for anything else: ``no``,
   ``on``, ``12:30``, ``2026-12-01``, ``1e3`` and ``~`` are quoted.  In doubt it is quoted.
2. A text of several lines is a literal block where that keeps every character, so that scripts
   and bodies can be read.
3. Quoted texts are JSON's, which is YAML too.  What some readers take for a line break, or do not
   take at all, is escaped.

Source: yaml.org/spec/1.2.2, sections 5.1, 7.3 and 8.1; yaml.org/type of YAML 1.1 for rule 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

#: What may stand without quotes: begins with a letter or a slash, holds nothing that YAML gives
#: a meaning to, and has single blanks between words at most.
_PLAIN: Final = re.compile(r"[A-Za-z/](?:[\w./@+~=?&%,-]|:(?! )| (?=[\w./@+-]))*(?<!:)", re.ASCII)

#: Words that some version of YAML takes for a truth value or for nothing.
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})

#: What is no printable character of YAML, or a line break to some readers.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)

#: The longest key that may stand on one line with its value, characters (section 7.4.2).
_LONGEST_KEY: Final = 1000


def to_yaml(documents: Iterable[Any]) -> str:
    """Return *documents*, JSON-ready values, as one YAML stream."""
    return "---\n".join("".join(f"{line}\n" for line in _block(one, 0)) for one in documents)


def _block(value: Any, depth: int) -> Iterator[str]:
    """Yield the lines of *value* as the content of a block that is indented by *depth* levels."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{pad}{_key(key, pad)}:", item, depth)
    elif isinstance(value, list) and value:
        for item in value:
            if isinstance(item, dict) and item:
                first, *rest = _block(item, depth + 1)
                yield f"{pad}- {first.lstrip(' ')}"
                yield from rest
            else:
                yield from _entry(f"{pad}-", item, depth)
    else:
        yield pad + _scalar(value)


def _entry(head: str, value: Any, depth: int) -> Iterator[str]:
    """Yield the lines of *value* behind *head*, the key or dash that it belongs to."""
    if isinstance(value, dict | list) and value:
        yield head
        yield from _block(value, depth + 1)
    elif isinstance(value, str) and (lines := _literal(value)):
        yield f"{head} {lines[0]}"
        pad = "  " * (depth + 1)
        yield from (pad + line if line else "" for line in lines[1:])
    else:
        yield f"{head} {_scalar(value)}"


def _key(key: str, pad: str) -> str:
    text = _scalar(key)
    return text if len(text) <= _LONGEST_KEY else f"? {text}\n{pad}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if is_plain else _quoted(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return json.dumps(value, allow_nan=False)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _literal(text: str) -> list[str]:
    """Return *text* as the lines of a literal block, its head first; nothing if it is none."""
    body = text.removesuffix("\n")
    if "\n" not in text or body.endswith("\n") or not body:
        return []
    # The first line decides how far the block is indented; a blank one at the start would too.
    if body[0] in " \t\n" or _UNPRINTABLE.search(text):
        return []
    # Blanks alone on a line would be lost where they are fewer than the indentation.
    lines = body.split("\n")
    if any(line and not line.strip() for line in lines):
        return []
    return ["|" if text.endswith("\n") else "|-", *lines]
