"""The ``command`` of a target: one text, split into words as a shell would, with values in it.

No shell runs it, but a word of it is often given to one: ``bash -c 'echo {{ job.name }}'``.
What a value holds must never become part of what such a shell obeys.

Rules
-----
1. The text is split first and filled in afterwards: a value never begins another word.
2. A word of values and plain characters only (letters, digits, ``_@%+=:,./-``) takes them as they
   are: ``--name={{ job.name }}``.
3. In any other word, and in the one that follows ``-c``, every value is quoted for the shell
   that may read the word, as if the filter ``shell`` were written.  ``json`` and ``url`` are
   applied before that.
4. There, a value must not stand where such quotes do not hold: within quotation marks,
   backquotes or a comment of the word itself, right after ``\\``, ``$`` or ``[``, or after ``<<``,
   ``((`` and whatever else is hard to follow.  The fault says so when the job is saved.

Who wants a value as it is in the middle of a word writes ``argv``: nothing is quoted there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from executor.domain.template import Part, Value, filled, parse

#: Stands for a value while the text is split.  No text of a target holds a NUL.
_PLACE: Final = "\x00"

#: What no shell gives a meaning to.
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]*", re.ASCII)

#: An option that makes a shell obey the following word.
_C: Final = re.compile(r"-[A-Za-z]*c")

Word: TypeAlias = tuple[Part, ...]


#: Commands of which the words are kept: each is read when its job is saved, and by every run.
_KEPT: Final = 1_000


@lru_cache(maxsize=_KEPT)
def words(text: str) -> tuple[Word, ...]:
    """Return the words of *text*, each as what stays and what is filled in.

    Raises:
        ValueError: a quotation is not closed, or it is no template.
    """
    parts = parse(text)
    values = iter(part for part in parts if isinstance(part, Value))
    blank = "".join(_PLACE if isinstance(part, Value) else part for part in parts)
    found: list[Word] = []
    for word in shlex.split(blank):
        pieces: list[Part] = []
        for number, fixed in enumerate(word.split(_PLACE)):
            pieces += [next(values)] if number else []
            pieces += [fixed] if fixed else []
        found.append(tuple(pieces))
    return tuple(found)


def render(text: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words of *text* with the *values* put in.

    Raises:
        ValueError: as :func:`words`; or a value is missing, or a word is too long.

    >>> render("bash -c 'echo {{ job.name }}' {{ job.name }}", {"job.name": "a; b"})
    ('bash', '-c', "echo 'a; b'", 'a; b')
    """
    return tuple(
        filled(word, values, guarded=guarded) for word, guarded in _with_guards(words(text))
    )


def unsafe_values(text: str) -> list[str]:
    """Return the names of the values in *text* that could not be kept from being obeyed (rule 4).

    Raises:
        ValueError: as :func:`words`.
    """
    guarded = [word for word, guarded in _with_guards(words(text)) if guarded]
    return [name for word in guarded for name in _unsafe(word)]


def _with_guards(found: tuple[Word, ...]) -> Iterator[tuple[Word, bool]]:
    """Return each word, and whether its values are to be quoted."""
    before: Word = ()
    for word in found:
        is_script = len(before) == 1 and isinstance(before[0], str) and _C.fullmatch(before[0])
        plain = all(isinstance(part, Value) or _PLAIN.fullmatch(part) for part in word)
        yield word, bool(is_script) or not plain
        before = word


def _unsafe(word: Word) -> Iterator[str]:
    reader = _Reader()
    for part in word:
        if isinstance(part, str):
            for character in part:
                reader.read(character)
        else:
            if not reader.quotes_hold:
                yield part.name
            reader.read("x")


class _Reader:
    """Follows a shell's text as far as it matters for quotes; in doubt they do not hold."""

    def __init__(self) -> None:
        #: The character that ends the present quotation or comment.
        self._until = ""
        self._last = " "
        #: Where quotes nest, or mean something else: the rest is not looked at.
        self._lost = False

    @property
    def quotes_hold(self) -> bool:
        """Whether what is quoted next remains one word, whatever it holds."""
        return not self._until and not self._lost and self._last not in tuple("\\$[")

    def read(self, character: str) -> None:
        """Take the next character."""
        last, self._last = self._last, character
        if last == "\\" and self._until not in {"'", "\n"}:
            self._last = "x"
        elif self._until:
            self._within(last + character)
        elif last + character in {"((", "$[", "<<", "$'"} or (
            last == "[" and character not in "[ \t"
        ):
            self._lost = True
        elif character in "'\"`":
            self._until = character
        elif character == "#" and last in " \t\n;&|()":
            self._until = "\n"

    def _within(self, two: str) -> None:
        if self._until == '"' and (two in {"$(", "${"} or two[-1] == "`"):
            self._lost = True
        elif two[-1] == self._until:
            self._last = " " if self._until == "\n" else "x"
            self._until = ""
