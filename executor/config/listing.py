"""The settings as people read them: the README's table, and what is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from executor.config.credentials import MASK, mask_url
from executor.config.settings import Settings
from executor.config.variable import BINDINGS, Platform, Variable
from executor.config.variables import VARIABLES
from executor.domain.faces import NO_FACES

_NOT_SET: Final = "-"

#: Secrets of which it helps to see where they lead; of all others nothing is shown.
_URLS: Final = frozenset({"rabbitmq_url", "mongodb_uri"})


#: Units of durations, in seconds, the largest first.
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Row:
    """A setting in force: its variable, its value without secrets, and where that comes from.

    ``meaning`` is that of the README's table.
    """

    name: str
    value: str
    origin: str
    meaning: str


def rows(settings: Settings) -> tuple[Row, ...]:
    """Return every setting once, in the order of the table, under the name that wins."""
    winners: dict[str, Variable] = {}
    for variable in VARIABLES:
        if variable.name != BINDINGS:
            winners.setdefault(variable.setting, variable)
    return tuple(
        Row(
            variable.name,
            _shown(getattr(settings, setting), variable),
            settings.origins[setting],
            variable.meaning,
        )
        for setting, variable in winners.items()
    )


def _shown(value: object, variable: Variable) -> str:
    if value is None:
        return _NOT_SET
    if variable.secret:
        is_url = variable.setting in _URLS
        return mask_url(value) if is_url and isinstance(value, str) else MASK
    if isinstance(value, tuple):
        return ",".join(value) or NO_FACES
    return _length(value) if isinstance(value, float) else str(value)


def _length(seconds: float) -> str:
    """Write a duration in the largest unit that leaves no rest, as it may be set: ``12h``.

    >>> _length(31_536_000.0), _length(90.0), _length(0.5)
    ('365d', '90s', '0.5s')
    """
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def markdown() -> str:
    """Return the table of all variables for the README, without a line break at its end."""
    lines = ["| variable | value | default | meaning |", "|---|---|---|---|"]
    for variable in VARIABLES:
        unit = f" ({variable.unit})" if variable.unit else ""
        kind = f"{variable.kind}{unit}{', secret' if variable.secret else ''}"
        lines.append(f"| `{variable.name}` | {kind} | {_default(variable)} | {variable.meaning} |")
    return "\n".join(lines)


def _default(variable: Variable) -> str:
    platforms: dict[str, list[Platform]] = {}
    for platform, text in variable.on_platforms.items():
        platforms.setdefault(text, []).append(platform)
    elsewhere = [
        f"`{text}` on {' and '.join(platform.name for platform in where)}"
        for text, where in platforms.items()
    ]
    return "; ".join([*([f"`{variable.default}`"] if variable.default else []), *elsewhere])
