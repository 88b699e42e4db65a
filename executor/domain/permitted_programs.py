"""Which programs command targets may run, and which modules Python targets may name.

A job that runs a program is a shell for everybody who may save jobs.  So the operator
decides (``SOLOCRON_COMMANDS``), and the decision is made twice by the same value: when a
job is saved, and when a run of it starts, because the instance that saved it may have
been configured differently.

Rules
-----
1. On the list are absolute paths.  A program may run if the first word of its command is
   exactly one of them; nothing is looked up in PATH, and no ``..`` or link is resolved.
2. A shell is a program like any other: whoever lists ``/bin/sh`` lists everything.
3. With a list, a job may not set variables that make a listed program load or run
   something else (``LD_PRELOAD``, ``BASH_ENV``, ``PYTHONPATH`` and their like).
   Source: the variables that sudo(8) removes, in its ``initial_badenv_table``.
4. A Python target names a function of a module on a list of its own (``SOLOCRON_JOBS``),
   whatever is decided about programs: nothing runs but what somebody wrote to be run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from executor.domain.errors import Fault

if TYPE_CHECKING:
    # The settings need this module, and start faster without what reads documents.
    from executor.domain.targets import Target


class CommandsMode(StrEnum):
    """What command targets may run."""

    ON = "on"
    OFF = "off"
    ALLOW_LIST = "allow-list"


#: Programs named in a fault; further ones are counted, so that it stays one sentence.
_NAMED: Final = 5

#: Variables that lead a program to other code than its own, by their whole name.
_REDIRECTING: Final = re.compile(
    r"(LD_|_RLD|BASH|PERL5|PERLLIB|PERLIO_|PYTHON|RUBYLIB|RUBYOPT|NODE_|GIT_|SSH_ASKPASS|LUA_).*"
    r"|(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS|CLASSPATH|PATH|IFS|CDPATH|ENV|PS4|SHELLOPTS|GLOBIGNORE"
    r"|FPATH|ZDOTDIR|GCONV_PATH|LOCPATH|NLSPATH|HOSTALIASES|TERMINFO.*|TERMCAP|TERMPATH|EDITOR"
    r"|VISUAL|PAGER"
)


@dataclass(frozen=True, slots=True)
class PermittedPrograms:
    """The operator's decision.

    Attributes:
        listed: absolute paths; counts with :attr:`CommandsMode.ALLOW_LIST` only.
        modules: those whose functions Python targets may name.
    """

    mode: CommandsMode = CommandsMode.ON
    listed: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def faults(self, target: Target) -> list[Fault]:
        """Return why *target* may not run, by path within a job; nothing if it may.

        *target* is sound (:func:`~executor.domain.targets.target_faults` found nothing).
        """
        if target.kind == "python":
            return [] if target.module in self.modules else [self._foreign(target.module)]
        if target.kind != "command" or self.mode is CommandsMode.ON:
            return []
        where = "target.command" if target.argv is None else "target.argv"
        if self.mode is CommandsMode.OFF:
            return [
                Fault(
                    where,
                    "no programs are run here: SOLOCRON_COMMANDS is off; use a target of kind "
                    "`http`, or have the operator set it to on or allow-list",
                )
            ]
        if target.words[0] not in self.listed:
            return [Fault(where, self._unlisted(target.words[0]))]
        return [
            Fault(
                f"target.env.{name}",
                "may not be set: it can make a listed program run others "
                "(SOLOCRON_COMMANDS is allow-list); leave it out",
            )
            for name, value in target.env.items()
            # A value that begins so defines a function in bash, whatever its name.
            if _REDIRECTING.fullmatch(name) or value.lstrip().startswith("()")
        ]

    def _foreign(self, module: str) -> Fault:
        where = "target.callable"
        if not self.modules:
            return Fault(
                where,
                "no Python jobs are run here: SOLOCRON_JOBS is not set; have the "
                f"operator set it to {module}, or use a target of another kind",
            )
        known = ", ".join(self.modules[:_NAMED])
        return Fault(
            where,
            f"module {module!r} is not among the permitted ones ({known}); name one "
            "of these, or have the operator add it to SOLOCRON_JOBS",
        )

    def _unlisted(self, program: str) -> str:
        more = f" and {len(self.listed) - _NAMED} more" if len(self.listed) > _NAMED else ""
        known = ", ".join(self.listed[:_NAMED])
        return (
            f"{program!r} is not among the permitted programs ({known}{more}); begin with one of "
            "these, in full, or have the operator add it to SOLOCRON_COMMANDS_ALLOWED"
        )


#: No restriction: for an instance that only its own machine reaches, and for tests.
ALL_PROGRAMS: Final = PermittedPrograms()
