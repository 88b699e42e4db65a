"""One browser for the tests of a file, a window of its own for each, and an instance to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.attentive import PATIENCE_MS, attentive
from tests.browser.login_place import LoginPlace
from tests.failover.served import Served

#: Where the browser may go; what asks for anything else gets nothing.
_HERE = ("http://127.0.0.1:", "http://localhost:")

#: What the browser says of what our policy has stopped.
_POLICY = "Content Security Policy"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window; if it is missing, that is a failure.

    Not for the whole run: as long as Playwright is there its event loop counts as running, and
    other tests of the same process could not start one.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Chromium is not on this machine: install Debian's chromium"
    with sync_playwright() as playwright:
        # Root in a container has no sandbox, and little shared memory.
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginPlace]:
    """An instance that people log in to at a provider."""
    with LoginPlace(tmp_path_factory.mktemp("place")) as found:
        yield found


@pytest.fixture(scope="module")
def open_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An instance that nobody logs in to."""
    with Served(tmp_path_factory.mktemp("open")) as found:
        yield found.await_executing()


@pytest.fixture
def tab(chromium: Browser, open_place: Served) -> Iterator[Page]:
    """A window far from UTC; whatever the console complains of fails the test."""
    context = chromium.new_context(timezone_id="Asia/Tokyo", base_url=open_place.url)
    with attentive(context) as page:
        yield page


@pytest.fixture
def window(chromium: Browser, place: LoginPlace) -> Iterator[Page]:
    """A window with cookies of its own.

    Whatever our page's policy had to stop, and every error of its script, fails the test.
    """
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.route("**/*", _only_here)
    page = context.new_page()
    errors: list[str] = []

    def note(text: str) -> None:
        if page.url.startswith(place.url):
            errors.append(text)

    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda said: note(said.text) if _POLICY in said.text else None)
    yield page
    context.close()
    assert errors == []


def _only_here(route: Route) -> None:
    if route.request.url.startswith(_HERE):
        route.continue_()
    else:
        route.abort()
