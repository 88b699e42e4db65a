"""Names of jobs, made of what people wrote above an entry, or of the command.  Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: Longest comment that serves as a name, characters; longer ones are explanations.
_LONGEST: Final = 50

#: Words that only prepare what the line is for.
_PREPARING: Final = frozenset(
    {"cd", "test", "[", "[[", "export", "source", ".", "umask", "sleep", ":", "set", "true", "if"}
)

#: Programs that run the program which the line is for.
_WRAPPERS: Final = frozenset(
    {
        "sudo",
        "nice",
        "ionice",
        "chronic",
        "nohup",
        "exec",
        "env",
        "time",
        "command",
        "flock",
        "timeout",
        "systemd-cat",
        "setlock",
        "su",
    }
)

#: Programs that say little without what they run or call.
_GENERAL: Final = re.compile(
    r"(?:ba|da|z|k)?sh|python[\d.]*|perl|php[\d.]*|ruby|node|java|run-parts|curl|wget|make|docker"
)

_ENDINGS: Final = re.compile(r"\.(?:sh|py|pl|rb|php|js|bash|jar)$")
_SEPARATORS: Final = re.compile(r"&&|\|\||[;|()]")
_SETS: Final = re.compile(r"\w+=")


def name_of(command: str, comment: Sequence[str]) -> str:
    """Return what a job with this *command* and *comment* above it may be called.

    >>> name_of("cd /srv && /usr/bin/python3 manage.py clearsessions", ())
    'manage'
    >>> name_of("/usr/local/bin/backup.sh --all", ["Nightly backup."])
    'nightly-backup'
    """
    if comment and len(comment[0]) <= _LONGEST:
        said = re.sub(r"[^\w.@+-]+", "-", comment[0].lower()).strip("-.")
        if said:
            return said
    for part in _SEPARATORS.split(command):
        words = [word.strip("\"'`{}") for word in part.split()]
        if name := _named(words):
            return name
    return "job"


def _named(words: Sequence[str]) -> str:
    """Return the name of what these *words* run; empty if they only prepare something."""
    skipping = False
    for place, word in enumerate(words):
        if not word or word.startswith("-") or _SETS.match(word):
            continue
        # What a wrapper takes: 10, 30s, root, /run/lock/x.
        if skipping and (re.fullmatch(r"[\d.]+[smhd]?|root", word) or "lock" in word):
            continue
        base = word.rpartition("/")[2]
        if base in _PREPARING:
            return ""
        if base in _WRAPPERS:
            skipping = True
            continue
        if _GENERAL.fullmatch(base):
            inner = next((w for w in words[place + 1 :] if w and not w.startswith("-")), "")
            inner = _base(inner)
            if re.fullmatch(r"(?:ba|da|z|k)?sh|python[\d.]*|perl|php[\d.]*|ruby|node|java", base):
                return inner or base
            return f"{base}-{inner}".strip("-")
        return _base(word)
    return ""


def _base(word: str) -> str:
    return _ENDINGS.sub("", word.rstrip("/").rpartition("/")[2])
