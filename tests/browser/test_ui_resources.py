"""The pages about what jobs use, tokens, the audit and settings, with a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.attentive import attentive
from tests.failover.served import Served

#: What secrets are sealed with here: 32 bytes in base64.
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

FIXED = (
    *("/ui/calendars", "/ui/calendar", "/ui/channels", "/ui/notifications", "/ui/secrets"),
    *("/ui/workers", "/ui/tokens", "/ui/audit", "/ui/settings"),
    *("/ui/channel?kind=email", "/ui/channel?kind=slack", "/ui/channel?kind=webhook"),
)


@pytest.fixture(scope="module")
def sealed_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An instance that nobody logs in to, with a key for secrets."""
    folder = tmp_path_factory.mktemp("resources")
    with Served(folder, settings={"SOLOCRON_SECRET_KEY": KEY}) as found:
        yield found.await_executing()


@pytest.fixture
def tab(chromium: Browser, sealed_place: Served) -> Iterator[Page]:
    """A window; whatever the console complains of fails the test."""
    context = chromium.new_context(base_url=sealed_place.url)
    # A form that comes back with what is wrong is no success, which the console remarks on.
    with attentive(context, expected="422") as page:
        yield page


def test_a_calendar_is_made_from_the_menu_on(tab: Page) -> None:
    """A line that is wrong is said beside it; the calendar is drawn, edited and deleted."""
    tab.goto("/")
    tab.get_by_text("More", exact=True).click()
    tab.get_by_role("link", name="Calendars").click()
    tab.get_by_role("link", name="New calendar").click()
    tab.get_by_label("Name").fill("freeze")
    tab.get_by_label("Days").fill("2020-01-01\n2031-12-24 to 2031-12-32")
    tab.get_by_role("button", name="Make it").click()
    expect(tab.locator("#dates-fault")).to_contain_text("Line 2")
    tab.get_by_label("Days").fill("")
    tab.get_by_label("Again and again").fill("0 0 * * * for 12h")
    tab.get_by_role("button", name="Make it").click()

    expect(tab.get_by_text("freeze was saved")).to_be_visible()
    expect(tab.locator(".months svg")).to_have_count(3)
    assert "closed" in (tab.locator(".months svg").first.get_attribute("aria-label") or "")
    tab.get_by_label("What it is for").fill("mornings are free")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("main p.quiet").first).to_have_text("mornings are free")
    tab.get_by_role("button", name="Delete freeze").click()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_text("freeze was deleted.")).to_be_visible()


def test_a_secret_is_put_and_a_channel_with_it_is_tried(tab: Page) -> None:
    """The value is on no page; what came of the test is said."""
    tab.goto("/ui/secrets")
    tab.get_by_label("Name").fill("HOOK")
    tab.get_by_label("Value").fill("http://127.0.0.1:9/nobody-there")
    tab.get_by_role("button", name="Put it").click()
    expect(tab.get_by_text("HOOK was made")).to_be_visible()
    assert "nobody-there" not in tab.content()

    tab.goto("/ui/channel?kind=slack")
    tab.get_by_label("Name").fill("chat")
    tab.get_by_label("Address of the incoming webhook").fill("{{ secret.HOOK }}")
    tab.get_by_role("button", name="Make it").click()
    tab.get_by_role("button", name="Send a test over chat").click()
    expect(tab.get_by_role("alert").filter(has_text="did not get through")).to_be_visible()
    expect(tab.get_by_label("What was sent over chat")).to_contain_text("dead")
    tab.goto("/ui/secrets/HOOK")
    tab.get_by_role("button", name="Delete HOOK").click()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_role("alert").filter(has_text="is used by channel chat")).to_be_visible()


def test_a_token_is_shown_once_and_revoked(tab: Page) -> None:
    """Coming back to the page does not show it again."""
    tab.goto("/ui/tokens")
    tab.get_by_label("Name").fill("ci")
    tab.get_by_label("runs:read").check()
    tab.get_by_role("button", name="Make it").click()
    token = tab.locator(".once").inner_text()
    assert token.startswith("slc_")

    tab.goto("/ui/tokens")
    expect(tab.get_by_role("rowheader", name="ci")).to_be_visible()
    assert token not in tab.content()
    tab.get_by_role("button", name="Revoke ci").click()
    tab.get_by_role("button", name="Revoke", exact=True).click()
    expect(tab.get_by_text("ci lets nobody in any more.")).to_be_visible()
    tab.goto("/ui/audit?action=create_token")
    tab.get_by_text("as it was made").first.click()
    expect(tab.locator(".changes").first).to_contain_text("runs:read")


def test_the_menu_closes_with_a_key_and_with_a_click_elsewhere(tab: Page) -> None:
    """And gives the keyboard back to where it was."""
    tab.goto("/ui/jobs")
    menu = tab.locator("details.rest")
    summary = menu.locator("summary")
    summary.press("Enter")
    expect(menu.get_by_role("link", name="Audit")).to_be_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Audit")).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    tab.get_by_role("heading", level=1).click()
    expect(menu.get_by_role("link", name="Audit")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_window(tab: Page, sealed_place: Served, width: int) -> None:
    """On a phone and on a desk, with names as long as can be."""
    long = "x" * 100
    sealed_place.request("PUT", f"/v1/secrets/{long}", {"value": "long enough"})
    calendar = {"description": long * 3, "windows": [{"cron": "0 */2 * * *", "duration": "PT5M"}]}
    sealed_place.request("PUT", f"/v1/calendars/{long}", calendar)
    hook = {"kind": "webhook", "url": f"https://example.com/{long}"}
    sealed_place.request("PUT", f"/v1/channels/{long}", hook)
    tab.set_viewport_size({"width": width, "height": 800})
    one = (f"/ui/secrets/{long}", f"/ui/calendars/{long}", f"/ui/channels/{long}")
    for address in (*FIXED, *one):
        tab.goto(address)
        for summary in tab.locator("main summary").all():
            summary.click()
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
