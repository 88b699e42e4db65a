"""The words of pages for instants and durations: those that the command line has, too."""

from __future__ import annotations

from executor.domain.wording import absolute, brief, duration, milliseconds, relative

__all__ = ["absolute", "brief", "duration", "milliseconds", "relative"]
