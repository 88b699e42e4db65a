"""Somebody who logs in at the provider of the tests, without a browser: follows and fills in.

As a program he is what ``webbrowser`` may start: ``python -m tests.servers.openid_person URL``
goes there under the name in ``PERSON``, and visits the address on ``localhost`` that he is sent to.
"""

from __future__ import annotations

import os
import re
import sys
from html import unescape
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, build_opener, urlopen

#: Pages and redirects of one login at most.
_STEPS = 20


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the person does it, one by one."""


class Person:
    """Logs in under *name*, with cookies of his own; asked again he is known already."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._opener = build_opener(_Stay, HTTPCookieProcessor(CookieJar()))

    def follow(self, url: str, *, to: str) -> str:
        """Go to *url* and on, filling in every form, until sent to an address that begins so.

        Returns:
            That address, which is not visited.
        """
        form: dict[str, str] | None = None
        for _ in range(_STEPS):
            place, page = self._ask(url, form)
            form = None
            if place is None:
                url, form = self._filled_in(url, page)
                continue
            url = urljoin(url, place)
            if url.startswith(to):
                return url
        raise AssertionError(f"{self.name} was not sent to {to}, but is at {url}")

    def confirm_device(self, url: str) -> str:
        """Let in the device whose code is in *url*; return what the last page says."""
        form: dict[str, str] | None = None
        for _ in range(_STEPS):
            place, page = self._ask(url, form)
            form = None
            if place is not None:
                url = urljoin(url, place)
                continue
            if "<form" not in page:
                return page
            url, form = self._filled_in(url, page)
        raise AssertionError(f"{self.name} is still asked at {url}")

    def _ask(self, url: str, form: dict[str, str] | None) -> tuple[str | None, str]:
        """Return where *url* leads, if anywhere, and what it shows."""
        data = None if form is None else urlencode(form).encode()
        try:
            with self._opener.open(url, data, timeout=10) as answer:
                return None, answer.read().decode()
        except HTTPError as error:
            with error:
                place, page = error.headers.get("Location"), error.read().decode()
            if not place:
                raise AssertionError(f"{url} answers {error.code}: {page[:500]}") from None
            return place, page

    def _filled_in(self, url: str, page: str) -> tuple[str, dict[str, str]]:
        form = re.search(r'<form[^>]*\saction="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL)
        assert form, page
        fields = {}
        for tag in re.findall(r"<input[^>]*>", form[2]):
            name, value = (re.search(rf'\s{what}="([^"]*)"', tag) for what in ("name", "value"))
            if name:
                fields[name[1]] = unescape(value[1]) if value else ""
        known = {"login": self.name, "password": "any"}
        fields.update({name: text for name, text in known.items() if name in fields})
        return urljoin(url, unescape(form[1])), fields


if __name__ == "__main__":
    reached = Person(os.environ["PERSON"]).follow(sys.argv[1], to="http://localhost:")
    urlopen(reached, timeout=10).close()
