"""Logging in with a real browser, at a real provider, to a real instance."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.browser.login_place import ADMIN, LoginPlace


def log_in(window: Page, place: LoginPlace, name: str, path: str = "/") -> None:
    """Go to *path*, and through the provider's form."""
    window.goto(f"{place.url}{path}")
    assert window.url.startswith(place.provider.issuer)
    window.fill('input[name="login"]', name)
    window.fill('input[name="password"]', "any")
    window.click('button[type="submit"]')
    window.wait_for_url(f"{place.url}/**")


def who(window: Page) -> str:
    """Return whom the page takes its user for."""
    return window.locator(".who span").inner_text()


@contextmanager
def other_site(page: str) -> Iterator[str]:
    """Serve *page* under another name of this machine: to a browser, another site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_somebody_logs_in_works_and_logs_out(window: Page, place: LoginPlace) -> None:
    """He ends up where he wanted to go, and after logging out nobody is where he was."""
    log_in(window, place, "admin", "/?q=nothing")
    expect(window).to_have_url(f"{place.url}/?q=nothing")
    assert who(window) == "oidc:admin"

    window.get_by_role("link", name="New job").click()
    window.fill("[id='name']", "by-browser")
    window.fill("[id='target.http.url']", "http://127.0.0.1:1/")
    window.fill("[id='schedule.cron.expression']", "0 0 1 1 *")
    window.get_by_role("button", name="Create job").click()
    expect(window.locator("[role=status]")).to_contain_text("It was made.")
    change = place.ask("GET", "/v1/audit?actor=oidc:admin")[1]["items"][0]
    assert (change["action"], change["subject"]) == ("create_job", "by-browser")

    window.click("text=Log out")
    expect(window.locator("main")).to_contain_text("You are logged out.")
    assert [c["name"] for c in window.context.cookies(place.url) if "solocron" in c["name"]] == []
    assert window.evaluate("fetch('/v1/jobs').then((answer) => answer.status)") == 401
    actions = [one["action"] for one in place.ask("GET", "/v1/audit?actor=oidc:admin")[1]["items"]]
    assert actions[0] == "close_session"
    assert actions[-1] == "open_session"


def test_the_provider_says_what_one_may_do(window: Page, place: LoginPlace) -> None:
    """A reader sees jobs, and cannot run them."""
    log_in(window, place, "alice")

    assert who(window) == "oidc:alice"
    post = "fetch('/v1/jobs', {method: 'POST', headers: {'Content-Type': 'application/json'},"
    refused = "body: '{}'}).then((answer) => answer.json())"
    assert "jobs:write" in window.evaluate(f"{post} {refused}")["detail"]


def test_who_is_granted_nothing_is_told(window: Page, place: LoginPlace) -> None:
    """And not sent round in circles; he may leave."""
    log_in(window, place, "nobody")

    expect(window.locator("[role=alert]")).to_contain_text("jobs:read")
    window.click("text=Log out")
    expect(window.locator("main")).to_contain_text("You are logged out.")


def test_a_token_is_pasted_instead(window: Page, place: LoginPlace) -> None:
    """A wrong one first; the cookie is then all that the browser has, and no script reads it."""
    window.goto(f"{place.url}/login?next=/%3Fq%3Da")
    window.fill("#token", "wrong")
    window.locator("#token").press("Enter")
    expect(window.locator("[role=alert]")).to_contain_text("token")

    window.goto(f"{place.url}/login?next=/%3Fq%3Da")
    window.fill("#token", ADMIN)
    window.locator("#token").press("Enter")
    expect(window).to_have_url(f"{place.url}/?q=a")
    assert who(window) == "admin"
    (cookie,) = window.context.cookies(place.url)
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("solocron", True, "Lax")
    assert window.evaluate("document.cookie + JSON.stringify(localStorage)") == "{}"


def test_whoever_is_logged_out_elsewhere_is_led_to_the_login(
    window: Page, place: LoginPlace
) -> None:
    """By the next thing that the open page does; what was being written stays there."""
    log_in(window, place, "admin", "/ui/jobs?q=b")
    window.context.clear_cookies(name="solocron")
    # The provider still knows him, so he is back by himself.
    window.wait_for_event("framenavigated")
    window.wait_for_url(re.compile(r"\?q=b$"))
    expect(window.locator(".who span")).to_have_text("oidc:admin")

    window.goto(f"{place.url}/ui/jobs/new")
    window.context.clear_cookies(name="solocron")
    window.fill("[id='name']", "kept-name")
    expect(window.locator("#reading")).to_contain_text("You are not logged in any more.")
    assert window.input_value("[id='name']") == "kept-name"


@pytest.mark.parametrize(
    ("action", "script"),
    [
        ("/logout", ""),
        ("/login", ""),
        ("/v1/jobs/kept/trigger", ""),
        (
            "/v1/jobs",
            (
                "fetch(form.action, {method: 'POST', mode: 'no-cors', credentials: 'include',"
                " headers: {'Content-Type': 'text/plain'}, body: JSON.stringify("
                "{name: 'foreign', target: {kind: 'http', url: 'http://127.0.0.1:1/'}})});"
            ),
        ),
    ],
)
def test_a_page_of_another_site_does_nothing(
    window: Page, place: LoginPlace, action: str, script: str
) -> None:
    """Whatever it makes the browser send: nobody is logged out, and nothing is changed."""
    log_in(window, place, "admin")
    before = place.names()
    form = (
        f'<form method="post" action="{place.url}{action}">'
        f'<input name="token" value="{ADMIN}"></form>'
        f"<script>const form = document.forms[0]; {script or 'form.submit();'}</script>"
    )
    with other_site(form) as elsewhere:
        window.goto(elsewhere)
        window.wait_for_load_state("networkidle")

    window.goto(f"{place.url}/")
    assert who(window) == "oidc:admin"
    assert place.names() == before
    assert place.ask("GET", "/v1/runs")[1]["items"] == []


def test_the_page_cannot_be_framed(window: Page, place: LoginPlace) -> None:
    """Nobody clicks on what he does not see."""
    log_in(window, place, "admin")
    with other_site(f'<iframe src="{place.url}/"></iframe>') as elsewhere:
        window.goto(elsewhere)
        window.wait_for_load_state("networkidle")
        (_, inner) = window.frames
        assert "Jobs" not in inner.content()
