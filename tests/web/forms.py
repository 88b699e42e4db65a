"""Forms as browsers have them: what stands in the fields of a page, and what is sent of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.web.reading import BROWSER
from tests.web.world import World


class Fields(HTMLParser):
    """The fields of the form with the class *which*, as a browser fills them at first."""

    def __init__(self, page: str, which: str = "sheet") -> None:
        super().__init__(convert_charrefs=True)
        self.values: MultiDict[str, str] = MultiDict()
        self.names: set[str] = set()
        self._which, self._inside = which, False
        self._area: tuple[str, list[str]] | None = None
        self._list: tuple[str, list[tuple[str, bool]]] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field."""
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = about.get("class") == self._which
        name = about.get("name", "")
        if not self._inside:
            return
        if tag == "input" and name:
            self._input(name, about)
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._list = (name, [])
        elif tag == "option" and self._list:
            self._list[1].append((about.get("value", ""), "selected" in about))

    def _input(self, name: str, about: dict[str, str]) -> None:
        self.names.add(name)
        boxed = about.get("type") in {"checkbox", "radio"}
        if not boxed or "checked" in about:
            # A line is a line: browsers leave out what would break it.
            value = re.sub(r"[\r\n]", "", about.get("value", "on" if boxed else ""))
            self.values.add(name, value)

    def handle_data(self, data: str) -> None:
        """Note what stands in an area."""
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a field."""
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            name, parts = self._area
            self.names.add(name)
            text = re.sub(r"\r\n?", "\n", "".join(parts)).removeprefix("\n")
            self.values.add(name, text.replace("\n", "\r\n"))
            self._area = None
        elif tag == "select" and self._list:
            name, options = self._list
            self.names.add(name)
            chosen = [value for value, selected in options if selected] or [options[0][0]]
            self.values.add(name, chosen[-1])
            self._list = None


def fields_of(page: str) -> MultiDict[str, str]:
    """Return what a browser would send of the form on *page* if nobody touched it."""
    return Fields(page).values


def send(
    world: World, address: str, page: str, do: str = "save", part: bool = False, **changes: Any
) -> TestResponse:
    """Send the form on *page* with *changes*: a text, or a list of what is ticked.

    Pairs of underscores stand for dots, which names of arguments cannot hold.
    """
    fields = fields_of(page)
    for name, value in changes.items():
        fields.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    fields["do"] = do
    headers = {**BROWSER, **({"HX-Request": "true"} if part else {})}
    return world.client.post(address, data=fields, headers=headers)
