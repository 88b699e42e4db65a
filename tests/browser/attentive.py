"""A window whose console is listened to: what a page complains of there fails the test.

So each test of a page holds it to the policy and to working scripts, whatever else it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

#: Longest wait for what a page is to show, milliseconds, on a machine with much else to do.
PATIENCE_MS = 20_000


def patient(context: BrowserContext) -> Page:
    """Return a new window of *context* that waits for what a page is to show."""
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return context.new_page()


@contextmanager
def attentive(context: BrowserContext, expected: str | None = None) -> Iterator[Page]:
    """Yield a new window of *context*, which is closed in the end.

    Args:
        expected: part of the complaints that are none; None: there are none such.

    Raises:
        AssertionError: the console has shown an error or a warning.
    """
    page = patient(context)
    complaints: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"} and (expected is None or expected not in said.text):
            complaints.append(said.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
