"""One environment variable, and the platforms on which its default may differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: The variable with Cloud Foundry's service bindings.
BINDINGS: Final = "VCAP_SERVICES"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where we run, recognised by the variable *marker*; it kills *given_s* after SIGTERM."""

    name: str
    marker: str
    given_s: float


CLOUD_FOUNDRY: Final = Platform("Cloud Foundry", "VCAP_APPLICATION", 10.0)
HEROKU: Final = Platform("Heroku", "DYNO", 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable.

    Attributes:
        setting: the field of ``Settings`` that it fills; the first of several that is set wins.
        kind: what to write, for the README.
        unit: of the value in ``Settings``; empty if it has none.
        default: as it would be written; empty if there is none or it is made up.
        on_platforms: the default where it differs, by platform.
        secret: never shown, and also read from the file that ``<name>_FILE`` names.
    """

    name: str
    setting: str
    kind: str
    read: Callable[[str], Any]
    unit: str = ""
    default: str = ""
    on_platforms: Mapping[Platform, str] = field(default_factory=dict)
    meaning: str
    secret: bool = False

    @property
    def file_names(self) -> tuple[str, ...]:
        """The variables that may name a file with the value; Cloud Foundry has one of its own."""
        own = (f"{self.name}_FILE",) if self.secret else ()
        return (*own, "VCAP_SERVICES_FILE_PATH") if self.name == BINDINGS else own

    def default_on(self, platform: Platform | None) -> str:
        """Return the default on *platform* (None: anywhere else)."""
        return self.on_platforms.get(platform, self.default) if platform else self.default
