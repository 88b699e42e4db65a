"""What the templates are given, and that each is compiled once in a process.

Compiling is most of what the first answers of an application cost: a tenth of a second a page.
What it yields depends on nothing but the text of the template and on how every application here
reads templates, so the second application takes it from the first.  Kept in memory alone: a
process that is started anew may find other templates, or another Jinja.
"""

from __future__ import annotations

from types import CodeType
from typing import Final

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from web.ui.frame import more_pages
from web.ui.moments import ago, clock, span, time_of_day, words
from web.ui.sentences import coded, timed

#: How templates write what is no text.
_FILTERS: Final = {f.__name__: f for f in (ago, clock, coded, span, time_of_day, timed, words)}


class _Compiled(BytecodeCache):
    """The code of templates by their names and texts; safe under threads, as a dictionary is."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give *bucket* the code of its template, if it has been compiled before."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what has been compiled."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


#: Of all applications of this process.
_COMPILED: Final = _Compiled()


def prepare(app: Flask) -> None:
    """Give the templates of *app* their filters, and what has been compiled of them before."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.bytecode_cache = _COMPILED
    app.jinja_env.filters.update(_FILTERS)
    app.jinja_env.globals.update(more_pages=more_pages)
