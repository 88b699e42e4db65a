"""The last step before a start: a work's secrets are opened and its templates filled in.

Every launcher does this on threads of its own, once for each run.  From then on the values are in
memory until the run ends, and nowhere else; whatever is kept of the run goes through
:meth:`Prepared.clear` and :meth:`Prepared.capture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from executor.adapters.captured_output import CapturedOutput
from executor.domain.errors import NoSecretKey
from executor.domain.filling import filled_in, is_plain, secrets_of
from executor.domain.redaction import Redaction
from executor.domain.run import Output
from executor.domain.targets import Target
from executor.ports.keys import Opener
from executor.ports.target import Work


@dataclass(frozen=True, slots=True)
class Prepared:
    """A target with its values, and the secrets among them by name."""

    target: Target = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    redaction: Redaction | None = field(repr=False)

    def clear(self, text: str) -> str:
        """Return *text* without the secrets."""
        return text if self.redaction is None else self.redaction.text(text)

    def capture(self, limit: int) -> CapturedOutput:
        """Return what takes the run's output and keeps *limit* bytes of it, without the secrets."""
        if self.redaction is None:
            return CapturedOutput(limit)
        return RedactedOutput(limit, self.redaction)


class RedactedOutput(CapturedOutput):
    """A captured output in which secrets are replaced before anything is dropped of it."""

    __slots__ = ("_redaction", "_rest")

    def __init__(self, limit: int, redaction: Redaction) -> None:
        super().__init__(limit)
        self._redaction = redaction
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Take what came next; the last of it is kept back until it is known what follows."""
        clear, self._rest = self._redaction.cut(self._rest + data, final=False)
        if clear:
            super().add(clear)

    def output(self) -> Output | None:
        """Return what was kept, with what was kept back."""
        clear, self._rest = self._redaction.cut(self._rest, final=True)
        super().add(clear)
        return super().output()


def prepare(work: Work, opener: Opener | None) -> Prepared:
    """Return *work*'s target as it is for this run.

    Args:
        opener: None if there is no key.

    Raises:
        NoSecretKey: it needs a secret, and there is no key.
        SecretUnreadable: a secret does not open.
        ValueError: a secret is missing, or the templates cannot be filled in.  No error says
            anything of a value.
    """
    if is_plain(work.definition.target):
        return Prepared(work.definition.target, {}, None)
    secrets = opened(sorted(secrets_of(work.definition.target)), work.sealed, opener)
    target = filled_in(work.run, work.definition, secrets)
    return Prepared(target, secrets, Redaction(secrets) if secrets else None)


def opened(
    names: Iterable[str], sealed: Mapping[str, str], opener: Opener | None
) -> dict[str, str]:
    """Return the values of the secrets with these names.

    Raises:
        NoSecretKey: there is one, and no key.
        SecretUnreadable: a secret does not open.
        ValueError: one is not among the *sealed*.
    """
    values: dict[str, str] = {}
    for name in names:
        if opener is None:
            raise NoSecretKey
        if name not in sealed:
            raise ValueError(f"secret {name!r} is missing, or its record is damaged; put it again")
        values[name] = opener.open(name, sealed[name])
    return values
