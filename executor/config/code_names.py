"""Reading the names of code that may be run: programs, modules, functions.

As all readers of the table they take the text as it was written, and a ``ValueError`` says
what to write instead.
"""

from __future__ import annotations


def programs(text: str) -> tuple[str, ...]:
    """Read absolute paths of programs, separated by commas."""
    found = tuple(part.strip() for part in text.split(","))
    for program in found:
        if not program.startswith("/") or program.endswith("/"):
            raise ValueError(
                f"{program!r} is not the absolute path of a program; "
                "write them with commas between: /usr/bin/rsync,/opt/backup"
            )
    return found


def modules(text: str) -> tuple[str, ...]:
    """Read names of modules, separated by commas."""
    found = tuple(part.strip() for part in text.split(","))
    for module in found:
        if not _is_module(module):
            raise ValueError(
                f"{module!r} is not the name of a module; "
                "write them with commas between: reports.jobs,backup"
            )
    return found


def function(text: str) -> str:
    """Read the name of a function, with its module."""
    module, _, name = text.partition(":")
    if not _is_module(module) or not name.isidentifier():
        raise ValueError(f"{text!r} names no function; write package.module:function")
    return text


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
