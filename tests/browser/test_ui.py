"""The pages below /ui with a real browser, on a real instance."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.failover.served import Served

#: The pages that every check walks; the job and the run come from the instance.
FIXED = ("/", "/ui/jobs", "/ui/runs", "/ui/jobs/new", "/ui/channels")


def add(place: Served, name: str, command: str, **facts: Any) -> None:
    """Make a job that runs *command* in a shell."""
    target = {"kind": "command", "argv": ["sh", "-c", command]}
    status, job = place.request("POST", "/v1/jobs", {"name": name, "target": target, **facts})
    assert status == HTTPStatus.CREATED, job


def test_a_job_is_run_and_its_output_is_read_while_it_goes_on(
    tab: Page, open_place: Served
) -> None:
    """From the list to the job, to the run of it, which is cancelled; no reload by hand."""
    add(open_place, "talker", "echo begun; exec sleep 600")
    tab.goto("/ui/jobs")
    tab.get_by_role("link", name="talker").click()
    tab.get_by_role("button", name="Run now: talker").click()
    expect(tab.get_by_text("It was started.")).to_be_visible()

    expect(tab.locator("#output")).to_contain_text("begun")
    expect(tab.locator("h1 .badge")).to_have_text("running")
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.locator("h1 .badge")).to_have_text("cancelled")
    expect(tab.get_by_role("button", name="again")).to_be_visible()


def test_the_overview_keeps_itself_up_to_date(tab: Page, open_place: Served) -> None:
    """What fails elsewhere appears without a reload."""
    tab.goto("/")
    add(open_place, "breaker", "echo no >&2; exit 3")
    open_place.request("POST", "/v1/jobs/breaker/trigger")

    expect(tab.get_by_role("link", name="breaker")).to_be_visible()


def test_instants_are_on_the_viewers_clock(tab: Page, open_place: Served) -> None:
    """With UTC at hand; without JavaScript UTC is what one reads."""
    add(open_place, "yearly", "true", schedule="0 0 1 1 *")
    tab.goto("/ui/jobs?q=yearly")

    time = tab.locator('time[data-as="clock"]').first
    expect(time).to_contain_text("-01-01 09:00")
    assert "00:00:00 UTC" in (time.get_attribute("title") or "")
    expect(tab.locator("#zone")).to_contain_text("Asia/Tokyo")


def test_instants_are_typed_on_the_viewers_clock(tab: Page, open_place: Served) -> None:
    """What one reads in a list is what one types into the field beside it; links carry UTC."""
    add(open_place, "asked-of", "true", schedule="30 2 * * *")
    tab.goto("/ui/jobs/asked-of")
    tab.get_by_label("At (Asia/Tokyo)").fill("2036-01-02T11:30")
    tab.get_by_role("button", name="Explain").click()

    expect(tab.locator("#why")).to_contain_text("before: 2036-01-01 11:30")
    expect(tab.get_by_label("At (Asia/Tokyo)")).to_have_value("2036-01-02T11:30")
    assert "at=2036-01-02T02%3A30%3A00Z" in tab.url
    tab.get_by_text("Pause…").click()
    tab.get_by_label("Until (Asia/Tokyo)").fill("2036-01-01T09:00")
    tab.get_by_role("button", name="Pause", exact=True).click()
    expect(tab.get_by_text("It was paused until 2036-01-01 09:00.")).to_be_visible()


def test_the_list_is_searched_while_typing(tab: Page, open_place: Served) -> None:
    """Only what matches is left, and the address can be passed on."""
    for name in ("find-me", "leave-me"):
        add(open_place, name, "true")
    tab.goto("/ui/jobs")
    tab.get_by_label("Part of a job's name").fill("find")

    expect(tab.get_by_role("link", name="leave-me")).to_have_count(0)
    expect(tab.get_by_role("link", name="find-me")).to_be_visible()
    assert "q=find" in tab.url


def test_chosen_jobs_are_paused_and_deleted(tab: Page, open_place: Served) -> None:
    """The bar appears with the first tick; deleting asks once more."""
    for name in ("bulk-a", "bulk-b"):
        add(open_place, name, "true", schedule="0 0 1 1 *")
    tab.goto("/ui/jobs?q=bulk-")
    expect(tab.locator("#bulk")).to_be_hidden()
    tab.get_by_label("Choose all jobs of this page").check()
    expect(tab.locator("#chosen")).to_have_text("2 jobs")
    tab.get_by_label("Reason for the pause").fill("freeze")
    tab.get_by_role("button", name="Pause").click()
    expect(tab.get_by_text("2 jobs were paused.")).to_be_visible()
    expect(tab.get_by_text("freeze").first).to_be_visible()

    tab.get_by_label("Choose bulk-a").check()
    tab.get_by_role("button", name="Delete…").click()
    expect(tab.locator("h1")).to_have_text("Delete 1 job?")
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_text("1 job was deleted.")).to_be_visible()
    expect(tab.get_by_role("link", name="bulk-a")).to_have_count(0)


def test_chosen_jobs_are_tagged(tab: Page, open_place: Served) -> None:
    """With the keyboard alone: tick, write the tag, press the button."""
    add(open_place, "tagged-a", "true")
    tab.goto("/ui/jobs?q=tagged-")
    tab.get_by_label("Choose tagged-a").press("Space")
    tab.get_by_label("Tag to put on or take off").fill("team-x")
    tab.get_by_role("button", name="Tag", exact=True).press("Enter")

    expect(tab.get_by_text("1 job was tagged.")).to_be_visible()
    expect(tab.get_by_role("link", name="team-x")).to_be_visible()


def test_a_backfill_is_looked_at_and_then_started(tab: Page, open_place: Served) -> None:
    """From the job's page to the preview and back, with the runs that it made."""
    add(open_place, "filled", "true", schedule="30 2 * * *")
    tab.goto("/ui/jobs/filled")
    tab.get_by_role("link", name="Backfill…").click()
    tab.get_by_label("From (Asia/Tokyo)").fill("2026-01-01T09:00")
    tab.get_by_label("To (Asia/Tokyo)").fill("2026-01-03T09:00")
    tab.get_by_role("button", name="Show what would run").click()
    expect(tab.get_by_text("2 runs would be started")).to_be_visible()
    tab.get_by_role("button", name="Start 2 runs").click()

    expect(tab.get_by_text("2 runs wait for a turn")).to_be_visible()
    expect(tab.locator(".history tbody tr")).to_have_count(2)


def test_a_ticked_box_is_not_lost_to_a_refresh(tab: Page, open_place: Served) -> None:
    """The list waits while somebody chooses."""
    add(open_place, "ticked", "true")
    tab.goto("/ui/jobs?q=ticked")
    tab.get_by_label("Choose ticked").check()
    add(open_place, "ticked-too", "true")
    tab.evaluate("htmx.ajax('GET', '/ui/jobs?q=ticked', {source: '#live', target: '#live'})")

    expect(tab.get_by_label("Choose ticked", exact=True)).to_be_checked()
    expect(tab.get_by_role("link", name="ticked-too")).to_have_count(0)
    tab.get_by_label("Choose ticked", exact=True).uncheck()
    expect(tab.get_by_role("link", name="ticked-too")).to_be_visible()


def test_everything_is_reached_with_the_keyboard(tab: Page, open_place: Served) -> None:
    """The first stop leads past the navigation."""
    tab.goto("/")
    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")

    assert tab.url.endswith("#main")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(
    chromium: Browser, open_place: Served, width: int, scheme: str
) -> None:
    """On a phone and on a desk; and nothing is inline that the policy would stop."""
    name = f"wide-{width}-{scheme}"
    add(open_place, name, "exit 1", schedule="0 0 1 1 *", description="x" * 300)
    open_place.request("POST", f"/v1/jobs/{name}/trigger")
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=open_place.url,
    )
    page = context.new_page()
    run = open_place.request("GET", f"/v1/jobs/{name}/runs")[1]["items"][0]
    for address in (*FIXED, f"/ui/jobs/{name}", f"/ui/jobs/{name}/edit", f"/ui/runs/{run['id']}"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    context.close()


def test_reading_needs_no_script(chromium: Browser, open_place: Served) -> None:
    """All that is shown is there, in UTC; links and forms work."""
    add(open_place, "plain-reading", "true", schedule="0 0 1 1 *")
    context = chromium.new_context(java_script_enabled=False, base_url=open_place.url)
    page = context.new_page()
    page.goto("/ui/jobs?q=plain-reading")
    expect(page.locator("table")).to_contain_text("-01-01 00:00:00 UTC")
    page.get_by_role("link", name="plain-reading").click()
    page.get_by_role("button", name="Run now: plain-reading").click()
    expect(page.get_by_text("It was started.")).to_be_visible()
    context.close()


def test_a_first_job_is_made_run_and_read_from_the_first_page(
    tab: Page, open_place: Served
) -> None:
    """From the form to what the run has said, with nothing read but the pages."""
    tab.goto("/ui/jobs/new")
    tab.get_by_role("link", name="Try it out").click()
    tab.get_by_label("Name", exact=True).fill("first-one")
    tab.get_by_role("button", name="Create and run now").click()

    expect(tab.locator("h1 .badge")).to_have_text("succeeded")
    expect(tab.get_by_text("It was made, and runs now.")).to_be_visible()
    expect(tab.get_by_label("Output of the run")).to_contain_text("Hello, it is 20")


def test_the_form_tells_what_is_written_while_it_is_written(tab: Page) -> None:
    """When it fires, and what is wrong beside its field; a link leads there, folded or not."""
    tab.goto("/ui/jobs/new")
    expect(tab.locator("[id='target.command.command']")).to_be_hidden()
    expression = tab.locator("[id='schedule.cron.expression']")
    expression.fill("30 2 * * mon")
    expect(tab.locator("#reading")).to_contain_text("At 02:30 AM, only on Monday")
    tab.locator("#reading summary", has_text="As YAML").click()

    expression.fill("30 25 * * mon")
    expect(tab.locator("[id='schedule.cron.expression-fault']")).to_contain_text("out of range")
    expect(expression).to_have_attribute("aria-invalid", "true")
    expect(tab.locator("#reading pre").nth(1)).to_be_visible()
    expression.fill("R/2030-01-01T00:00:00Z/P1D")
    expect(tab.locator("[id='schedule.interval.expression']")).to_be_focused()
    expect(tab.locator("#reading")).to_contain_text("Every day from 2030-01-01")

    tab.get_by_text("How long it may take").click()
    tab.get_by_label("A run may take").fill("soon")
    tab.get_by_text("How long it may take").click()
    tab.locator("#reading").get_by_role("link", name="A run may take").click()
    expect(tab.get_by_label("A run may take")).to_be_focused()


def test_an_edit_is_kept_when_somebody_else_was_quicker(
    chromium: Browser, open_place: Served
) -> None:
    """Without JavaScript, too: refused with what differs, and saved by saving again."""
    add(open_place, "contended", "true", owner="a")
    context = chromium.new_context(java_script_enabled=False, base_url=open_place.url)
    page = context.new_page()
    page.goto("/ui/jobs/contended")
    page.get_by_role("link", name="Edit").click()
    page.get_by_text("About it").click()
    page.get_by_label("Description").fill("two\nlines")
    open_place.request("PATCH", "/v1/jobs/contended", {"owner": "b"})
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    expect(page.get_by_text("owner: a -> b")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It was saved.")).to_be_visible()
    now = open_place.request("GET", "/v1/jobs/contended")[1]
    assert (now["owner"], now["description"]) == ("b", "two\nlines")
    context.close()
