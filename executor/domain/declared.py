"""Jobs that are declared in code: what modules declare, and what is kept of it with a job.

A declaration is the job's document as its author wrote it.  Its digest is kept with the
job: as long as the code says the same, what was changed through the API since stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOrigin:
    """That a job comes from code.

    Attributes:
        module: where it is declared.
        digest: of the declaration that the job was last given.
        present: whether the code declared it when it was last looked at.
    """

    module: str
    digest: str
    present: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A job as *module* declares it; ``document`` is not checked yet."""

    module: str
    name: str
    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Fingerprint of what is declared, wherever in the file it stands."""
        text = json.dumps([self.module, self.document], sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def names(self) -> Iterator[str]:
        """Return the jobs that the document names."""
        after = self.document.get("after")
        jobs = after.get("jobs") if isinstance(after, Mapping) else None
        for subject in (*(jobs if isinstance(jobs, list) else ()), self.document.get("on_failure")):
            if isinstance(subject, str):
                yield subject

    @property
    def origin(self) -> CodeOrigin:
        """What is kept of it with the job."""
        return CodeOrigin(module=self.module, digest=self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """What the modules declare, in their order.

    Attributes:
        failures: module -> why nothing is known of it, for people.
    """

    jobs: tuple[Declaration, ...] = ()
    failures: Mapping[str, str]


def in_order(declared: Mapping[str, Declaration]) -> list[Declaration]:
    """Return the declarations by name such that each comes after those that it names.

    Circles are left for whoever saves them to refuse.
    """
    ordered: dict[str, Declaration] = {}
    begun: set[str] = set()

    def add(name: str) -> None:
        if name in begun or name not in declared:
            return
        begun.add(name)
        for other in declared[name].names():
            add(other)
        ordered[name] = declared[name]

    for name in declared:
        add(name)
    return list(ordered.values())
