"""Pages as people see them: what is written, by which labels, and where links lead."""

from __future__ import annotations

import html
import re
from typing import Any

from werkzeug.test import TestResponse

from tests.web.world import World

#: What browsers send of themselves with what our own page asks for.
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def visit(world: World, address: str, status: int = 200, **headers: str) -> str:
    """Return the HTML at *address*."""
    response = world.get(address, headers={**BROWSER, **headers})
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    return response.text


def read(world: World, address: str, status: int = 200) -> str:
    """Return what a person reads at *address*, blanks reduced."""
    return words(visit(world, address, status))


def words(page: str) -> str:
    """Return the text of *page*, blanks reduced."""
    body = page.partition("<main")[2] or page
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def submit(world: World, address: str, **form: Any) -> TestResponse:
    """Send a form as a browser does."""
    return world.client.post(address, data=form, headers=BROWSER)


def part(world: World, page: str) -> TestResponse:
    """Ask for the live part of *page* as it asks itself."""
    [address] = re.findall(r'id="live"[^>]*hx-get="([^"]+)"', page)
    return world.get(html.unescape(address), headers={"HX-Request": "true"})


def check_page(page: str) -> None:
    """Hold *page* to what every page promises: nothing inline or foreign, and usable by ear."""
    assert len(page.encode()) < 100_000
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)
    assert not re.search(r'(?:src|href|action|hx-get)="(?:https?:)?//', page)
    fields = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]*>', page)
    labelled = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', page))
    for one in fields:
        named = re.search(r'\sid="([^"]+)"', one)
        assert "aria-label=" in one or (named and named[1] in labelled), one
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<table") == page.count("<caption")
    assert page.count("<h1") == 1
    for landmark in ("<header", "<main", "<footer", "<nav", 'lang="en"', 'href="#main"'):
        assert landmark in page
