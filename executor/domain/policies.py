"""Policies: what happens to a slot or a run when things do not go as planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from executor.domain.fields import CLOSED, PositiveDuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfire:
    """What happens to slots found between the watermark and now.

    ``once``: one catch-up run for the latest slot, the others are recorded as skipped.
    A slot noticed later than ``deadline`` is skipped.
    """

    __pydantic_config__ = CLOSED

    policy: Literal["once"] = "once"
    deadline: PositiveDuration = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What happens to a slot that comes due while an earlier run is unfinished.

    ``forbid``: it is recorded as skipped.
    """

    __pydantic_config__ = CLOSED

    policy: Literal["forbid"] = "forbid"
    limit: Literal[1] = 1
