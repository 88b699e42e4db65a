"""What every page is held to: usable by ear and by keyboard, calm while it loads, small, no errors.

A page is added to :data:`PAGES` by one line.  axe-core comes from npm, for the tests alone; see
``axe/package.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.attentive import PATIENCE_MS
from tests.browser.test_ui import add
from tests.failover.served import PATIENCE_S, Served
from tests.waiting import eventually

#: Addresses; ``{job}`` and ``{run}`` stand for those of the instance.
PAGES = (
    "/",
    "/ui/jobs",
    "/ui/jobs?q=nothing-like-it",
    "/ui/jobs/{job}",
    "/ui/jobs/{job}?at=2026-01-01T00:00",
    "/ui/jobs/{job}/backfill",
    "/ui/jobs/{job}/backfill?from=2026-01-01T00:00&to=2026-01-02T00:00",
    "/ui/runs",
    "/ui/runs/{run}",
    "/ui/runs/unknown",
    "/docs",
    "/docs/jobs",
    "/docs/channels",
    "/docs/schemas/Definition",
    "/ui/jobs/new",
    "/ui/jobs/{job}/edit",
    "/ui/calendars",
    "/ui/calendar",
    "/ui/channels",
    "/ui/channel",
    "/ui/notifications",
    "/ui/secrets",
    "/ui/workers",
    "/ui/tokens",
    "/ui/audit",
    "/ui/settings",
)

#: How the pages are looked at: colours, and the window's width.
LOOKS = (("light", 1280), ("dark", 360))

#: Bytes of the first page with all that it loads.
FIRST_PAGE = 150_000

#: Largest sum of shifts of a page while it loads.  Instants are written in UTC and become the
#: viewer's own clock, in place; what is felt begins at 0.1.
#: Source: web.dev/articles/cls.
SHIFT = 0.01

AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"

_WATCH = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const one of list.getEntries()) {
            const nodes = one.sources.map((source) => source.node?.outerHTML?.slice(0, 120));
            window.shifts.push({value: one.value, nodes});
        }
    }).observe({type: "layout-shift", buffered: true});
"""

_VIOLATIONS = """
    async () => {
        for (const fold of document.querySelectorAll("details")) fold.open = true;
        const found = await axe.run(document, {resultTypes: ["violations"]});
        return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
            .map((one) => [one.id, one.help, ...one.nodes.map((node) => node.html)].join(" | "));
    }
"""


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An instance with a job of each look: failed, running, paused, tagged, disabled."""
    with Served(tmp_path_factory.mktemp("lively")) as place:
        place.await_executing()
        about = {"description": "Writes the report.", "owner": "data", "tags": ["prod", "night"]}
        add(place, "report", "echo no >&2; exit 3", schedule="30 2 * * *", **about)
        place.request("PATCH", "/v1/jobs/report", {"timeout": "10m"})
        add(place, "long", "echo begun; exec sleep 600")
        add(place, "off", "true", schedule="0 4 * * *", enabled=False)
        add(place, "rests", "true", schedule="0 5 * * *")
        place.request("POST", "/v1/jobs/rests/pause", {"reason": "freeze"})
        for name in ("report", "long"):
            place.request("POST", f"/v1/jobs/{name}/trigger")
        eventually(lambda: runs(place, "failed"), PATIENCE_S, "the report has failed")
        yield place


def runs(place: Served, state: str) -> Any:
    """Return the runs in *state*."""
    return place.request("GET", f"/v1/runs?state={state}")[1]["items"]


def at(place: Served, address: str) -> str:
    """Return *address* with the job and the run of *place*."""
    [run] = runs(place, "failed")
    return place.url + address.format(job=run["job_id"], run=run["id"])


class _Windows:
    """A window for each look, used again: a process of the browser's own takes it a second."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._pages: dict[tuple[str, int], Page] = {}
        self.complaints: list[str] = []

    def page(self, scheme: Literal["light", "dark"], width: int) -> Page:
        """Return the window that looks like this, at rest and with nothing remembered."""
        page = self._pages.get((scheme, width)) or self._opened(scheme, width)
        self._pages[scheme, width] = page
        page.context.clear_cookies()
        self.complaints.clear()
        return page

    def _opened(self, scheme: Literal["light", "dark"], width: int) -> Page:
        context = self._chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, timezone_id="Asia/Tokyo"
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_WATCH)
        page = context.new_page()
        # As for somebody who comes for the first time: nothing moves when style comes late.
        context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def close(self) -> None:
        """Close them all."""
        for page in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def windows(chromium: Browser) -> Iterator[_Windows]:
    """The windows of this file."""
    found = _Windows(chromium)
    yield found
    found.close()


@pytest.fixture
def calm(windows: _Windows, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window that looks as the test asks; whatever its console complains of fails the test."""
    page = windows.page(*request.param)
    yield page
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.goto("about:blank")
    # A page that is not there is an error to the browser, not to us.
    assert [
        text
        for text in windows.complaints
        if "the server responded with a status of 404" not in text
    ] == []


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("calm", LOOKS, indirect=True, ids=lambda look: f"{look[0]}-{look[1]}")
def test_a_page_is_usable_by_everybody_and_does_not_jump(
    calm: Page, lively: Served, address: str
) -> None:
    """axe-core finds nothing serious, folded parts included; nothing moves while it loads."""
    calm.goto(at(lively, address), wait_until="networkidle")
    shifts = calm.evaluate("window.shifts")
    calm.evaluate(AXE.read_text(encoding="utf-8"))

    assert calm.evaluate(_VIOLATIONS) == []
    assert sum(shift["value"] for shift in shifts) < SHIFT, shifts


def test_the_first_page_is_small(chromium: Browser, lively: Served) -> None:
    """With style, scripts and icon, none of it compressed."""
    context = chromium.new_context(base_url=lively.url)
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
    page.goto("/", wait_until="networkidle")
    sizes = {answer.url: len(answer.body()) for answer in answers}
    context.close()

    print("first page, bytes:", sizes)
    assert len(sizes) >= 4
    assert sum(sizes.values()) < FIRST_PAGE
