"""The plots of a job's latest runs with a real browser: what is drawn, told and linked to.

A plot is a canvas, so its bars are counted and their colours read where they stand, just above
the axis.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.attentive import patient
from tests.browser.test_ui import add
from tests.failover.served import PATIENCE_S, Served
from tests.waiting import eventually

#: The zone of the viewer, far from UTC.
TOKYO = "Asia/Tokyo"

#: Where the pointer is put in a plot, pixels from its upper edge: above most bars, as one may.
HIGH = 10

#: Returns the colours of the bars of a plot, from left to right, as the canvas has them; a gap
#: between two bars is no colour.
_BARS = """
    (plot) => {
        const over = plot.querySelector(".u-over"), canvas = plot.querySelector("canvas");
        if (!over) return [];
        const scale = canvas.width / canvas.clientWidth;
        const row = Math.round((over.offsetTop + over.offsetHeight - 3) * scale);
        // From a copy: the browser complains of who reads often what he draws.
        const copy = new OffscreenCanvas(canvas.width, 1).getContext("2d");
        copy.drawImage(canvas, 0, -row);
        const { data } = copy.getImageData(0, 0, canvas.width, 1);
        const found = [];
        let before = 0;
        for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] === 255 && before !== 255) found.push([...data.slice(at, at + 3)]);
            before = data[at + 3];
        }
        const hex = (part) => part.toString(16).padStart(2, "0");
        return found.map((parts) => "#" + parts.map(hex).join(""));
    }
"""


def run(place: Served, job: str) -> Any:
    """Run *job* and return the run once it is over."""
    made = place.request("POST", f"/v1/jobs/{job}/trigger")[1]["id"]

    def over() -> Any:
        found = place.request("GET", f"/v1/runs/{made}")[1]
        return found if found["finished_at"] else None

    return eventually(over, PATIENCE_S, "the run is over")


def mixed(place: Served, job: str) -> list[Any]:
    """Make *job* and return its two runs: one that succeeded, and one that failed."""
    add(place, job, "true")
    good = run(place, job)
    target = {"kind": "command", "argv": ["sh", "-c", "exit 3"]}
    place.request("PATCH", f"/v1/jobs/{job}", {"target": target})
    return [good, run(place, job)]


def _lose(route: Route) -> None:
    route.abort()


def bars(page: Page) -> list[str]:
    """Return the colours of the bars that tell how long runs took."""
    found: list[str] = page.locator("#plot-took").evaluate(_BARS)
    return found


def drawn(page: Page, *names: str) -> None:
    """Wait until the bars have the style sheet's colours of these *names*."""
    read = "(names) => names.map((name) => getComputedStyle(document.body).getPropertyValue(name))"
    wanted = page.evaluate(read, [f"--{name}" for name in names])
    eventually(lambda: bars(page) == wanted, PATIENCE_S, f"the bars are {', '.join(names)}")


def test_a_plot_tells_each_run_under_the_pointer_and_leads_to_it(
    tab: Page, open_place: Served
) -> None:
    """A bar a run, coloured by how it ended; its instant, its duration and its state in words."""
    runs = mixed(open_place, "measured")
    tab.goto("/ui/jobs/measured")
    drawn(tab, "good", "bad")

    tip, over = tab.locator("#plot-took .tip"), tab.locator("#plot-took .u-over")
    over.hover(position={"x": 2, "y": HIGH})
    expect(tip).to_have_text(re.compile(r"^[\d-]* ?\d\d:\d\d[:\d]*: [\d.]+ m?s, succeeded$"))
    expect(tip).to_have_css("opacity", "1")
    begun = datetime.fromisoformat(runs[0]["created_at"]).astimezone(ZoneInfo(TOKYO))
    expect(tip).to_contain_text(f"{begun:%H:%M}")
    # Right of the newest run there is nothing; it is the nearest.
    over.hover(position={"x": 300, "y": HIGH})
    expect(tip).to_contain_text("failed")
    over.click(position={"x": 2, "y": HIGH})
    expect(tab).to_have_url(re.compile(f"/ui/runs/{runs[0]['id']}$"))


def test_a_plot_follows_the_viewers_colours(tab: Page, open_place: Served) -> None:
    """At once, without a reload."""
    mixed(open_place, "coloured")
    tab.goto("/ui/jobs/coloured")
    drawn(tab, "good", "bad")
    light = bars(tab)
    tab.emulate_media(color_scheme="dark")

    drawn(tab, "good", "bad")
    assert bars(tab) != light


def test_a_new_run_is_added_to_the_plot_that_is_there(tab: Page, open_place: Served) -> None:
    """It is the same canvas, in the same place, and whoever has walked to a run stays at it."""
    runs = mixed(open_place, "followed")
    tab.goto("/ui/jobs/followed")
    drawn(tab, "good", "bad")
    plot, link = tab.locator("#plot-took"), tab.locator("#plot-took a")
    plot.locator("canvas").evaluate("(canvas) => { canvas.dataset.first = 'yes'; }")
    before = plot.bounding_box()
    link.focus()
    expect(link).to_contain_text("failed")
    tab.keyboard.press("ArrowLeft")
    expect(link).to_contain_text("succeeded")

    run(open_place, "followed")
    drawn(tab, "good", "bad", "bad")
    expect(plot.locator("canvas")).to_have_attribute("data-first", "yes")
    assert plot.bounding_box() == before
    expect(link).to_be_focused()
    expect(link).to_contain_text("succeeded")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(f"/ui/runs/{runs[0]['id']}$"))


def test_the_first_touch_tells_and_the_second_one_leads(
    chromium: Browser, open_place: Served
) -> None:
    """A finger has no place before it touches; what it would lead to is read first.

    What is read fits on a narrow phone, also of a run of long ago, which is told with its date.
    """
    runs = mixed(open_place, "touched")
    context = chromium.new_context(
        base_url=open_place.url, has_touch=True, viewport={"width": 320, "height": 800}
    )
    page = patient(context)
    page.clock.set_fixed_time("2096-01-01T00:00:00Z")
    page.goto("/ui/jobs/touched")
    drawn(page, "good", "bad")
    over = page.locator("#plot-took .u-over")
    over.tap(position={"x": 2, "y": HIGH})
    expect(page.locator("#plot-took .tip")).to_have_text(re.compile(r"^20\d\d-.*, succeeded$"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page).to_have_url(re.compile("/ui/jobs/touched$"))
    over.tap(position={"x": 2, "y": HIGH})

    expect(page).to_have_url(re.compile(f"/ui/runs/{runs[0]['id']}$"))
    context.close()


@pytest.mark.parametrize("lost", ["all", "uPlot.iife.min.js", "charts.js"])
def test_without_the_script_the_servers_drawing_is_seen(
    chromium: Browser, open_place: Served, lost: str
) -> None:
    """Without any, and where one of the two files does not come."""
    mixed(open_place, f"drawn-{lost[:3].lower()}")
    context = chromium.new_context(java_script_enabled=lost != "all", base_url=open_place.url)
    context.route(f"**/{lost}", _lose)
    page = patient(context)
    page.goto(f"/ui/jobs/drawn-{lost[:3].lower()}", wait_until="load")

    drawing = page.get_by_role("img", name="Durations of the latest 2 runs")
    expect(drawing).to_be_visible()
    expect(drawing).to_have_css("opacity", "1")
    expect(drawing.locator("rect")).to_have_count(2)
    expect(page.locator(".uplot")).to_have_count(0)
    context.close()


def test_what_is_drawn_over_is_still_there_for_the_ear(tab: Page, open_place: Served) -> None:
    """One picture with one name, which is not seen; what has no values keeps the server's."""
    mixed(open_place, "heard")
    tab.goto("/ui/jobs/heard")
    drawn(tab, "good", "bad")
    took = tab.get_by_role("img", name="Durations of the latest 2 runs")

    expect(took).to_have_count(1)
    expect(took).to_have_css("opacity", "0")
    expect(tab.get_by_role("img", name="Lateness")).to_have_css("opacity", "1")
    expect(tab.locator(".uplot")).to_have_count(1)
