"""The overview while executors die: two instances, one page that nobody reloads."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.attentive import PATIENCE_MS
from tests.failover.cluster import Cluster, SqliteRows


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Cluster]:
    """Two instances that share a data folder; one executes, one stands by."""
    data = tmp_path / "shared"
    environ = {"SOLOCRON_DATA": str(data), "SOLOCRON_GRACE": "2s"}
    with Cluster(
        tmp_path, store=SqliteRows(data / "solocron.db"), environ=environ, size=2
    ) as cluster:
        yield cluster


@pytest.mark.timeout(300)
def test_the_open_overview_shows_who_executes_and_when_nobody_does(
    chromium: Browser, pair: Cluster
) -> None:
    """The page stays the one that was loaded: a mark that a script left in it is still there."""
    first = pair.leader()
    [standby] = [member for member in pair.members if member is not first.member]
    context = chromium.new_context(base_url=standby.served.url)
    page = context.new_page()
    executor = page.locator(".facts .wide")
    page.goto("/")
    expect(executor).to_contain_text(first.member.name, timeout=PATIENCE_MS)
    page.evaluate("window.mark = 'never reloaded'")

    # Its successor cannot take over while it is stopped: nobody executes.
    frozen = standby.executor_process()
    frozen.send_signal(signal.SIGSTOP)
    first.member.kill()
    nobody = page.get_by_text("Nobody executes.")
    expect(nobody).to_be_visible(timeout=2 * PATIENCE_MS)
    expect(executor).to_contain_text("nobody")

    frozen.send_signal(signal.SIGCONT)
    second = pair.leader(other_than=first.term)
    expect(executor).to_contain_text(standby.name, timeout=2 * PATIENCE_MS)
    expect(executor).to_contain_text(f"term {second.term}")
    expect(nobody).to_have_count(0)
    assert page.evaluate("window.mark") == "never reloaded"
    context.close()
