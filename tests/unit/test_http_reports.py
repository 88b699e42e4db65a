"""Reports of requests that are kept: in order, with their own instants, and not for ever."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import pytest

from executor.adapters.http_target.reports import KEPT_S, Reports
from executor.domain.run import Outcome, RunState
from tests.fakes.fake_clock import START, FakeClock
from tests.fakes.work_log import WorkLog

SUCCEEDED = Outcome(state=RunState.SUCCEEDED)


def test_what_is_kept_is_passed_on_with_the_instants_at_which_it_happened() -> None:
    """However long it was kept: rows show when a run began and ended, not when that was told."""
    clock, log = FakeClock(), WorkLog()
    reports = Reports(log, clock)
    reports.started("run")
    clock.advance(0.02)
    reports.finished("run", SUCCEEDED)
    clock.advance(0.02)
    assert (log.started_at, log.ended) == ({}, [])

    reports.pass_on()

    assert (log.started_at, log.faults) == ({"run": START}, [])
    assert log.ended_at == {"run": START + timedelta(milliseconds=20)}


def test_everything_is_told_once_and_in_order() -> None:
    """Starts, ends, what was given back and what was handed over; a second time says nothing."""
    log = WorkLog()
    reports = Reports(log, FakeClock())
    reports.started("first")
    reports.not_started("second")
    reports.started("third")
    reports.handed_over("third")
    reports.finished("first", SUCCEEDED)

    reports.pass_on()
    reports.pass_on()

    assert (list(log.started_at), log.ended) == (["first", "third"], ["first"])
    assert (log.refused, log.handed_on, log.faults) == (["second"], {"third": True}, [])


def test_the_oldest_report_says_how_long_all_may_be_kept() -> None:
    """Later ones do not prolong it; once passed on, nothing is due until there is more."""
    clock = FakeClock()
    reports = Reports(WorkLog(), clock)
    assert reports.wait_s == inf
    reports.started("first")
    clock.advance(KEPT_S / 2)
    reports.started("second")
    assert reports.wait_s == pytest.approx(KEPT_S / 2)
    clock.advance(KEPT_S)
    assert reports.wait_s == 0

    reports.pass_on()

    assert reports.wait_s == inf
