"""Pages on which every value is hostile: the same elements as if all of them were harmless.

A page is parsed twice, once with harmless values and once with hostile ones.  Elements, names of
attributes and every address have to be the same; only what is read may differ.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from executor.domain.errors import BrokerUnavailable
from executor.domain.job import Definition, definition_from_document
from executor.domain.run import Output, RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.hostile_texts import NAMES, TEXTS
from tests.web.world import World
from web.ui.runs import ROWS as RUNS

#: What a browser says when somebody follows a link.
LINK = {"Accept": "text/html", "Sec-Fetch-Site": "none"}

#: Attributes that a browser acts upon.
ACTIVE = frozenset({"href", "src", "action", "formaction", "data-post", "style", "srcdoc"})


class Skeleton(HTMLParser):
    """What a page consists of, without what it says."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[object] = []
        self.said: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element, its attributes by name, and those that do something as they are."""
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.parts.append((tag, [(name, value if name in ACTIVE else "") for name, value in attrs]))
        self.said += [value for name, value in attrs if name not in ACTIVE and value]

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element."""
        self.parts.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        """Note a comment: there are none."""
        self.parts.append(f"<!--{data}")

    def handle_data(self, data: str) -> None:
        """Note what is read."""
        self.said.append(data)


def inhabited(texts: list[str], names: list[str]) -> World:
    """Return a world with a job of each of *names* that says one of *texts* wherever it can."""
    world = World()
    now = world.clock.now()
    for number, name in enumerate(names):
        text = texts[number % len(texts)]
        world.put_job(f"{number:02}", definition=_definition(text, name))
        world.post(f"/v1/jobs/id-of-{number:02}/pause", {"reason": text})
    for number, text in enumerate(texts[:RUNS]):
        state = RunState.FAILED if number % 2 else RunState.RUNNING
        output = Output(head=text, size=1)
        world.put_run(
            f"r{number}", job=text, error=text, state=state, started_at=now, output=output
        )
    everything = " ".join(texts)
    world.beat(everything, "executing")
    world.clear()
    world.executor.away = BrokerUnavailable(everything)
    world.executor.connection = everything
    return world


def _definition(text: str, name: str) -> Definition:
    target = {"kind": "command", "argv": ["true", text]}
    document = {"name": name, "target": target, "schedule": "30 2 * * *", "description": text}
    return definition_from_document(document)


def page(texts: list[str], names: list[str]) -> Skeleton:
    """Return the pages of a world that says all this, its jobs in the order of their numbers."""
    client = inhabited(texts, names).client
    jobs = client.get("/ui/jobs").text
    more = [html.unescape(one) for one in re.findall(r'href="([^"]+)" rel="next"', jobs)]
    others = [client.get(address) for address in (*more, "/", "/ui/runs")]
    assert [response.status_code for response in others] == [200] * len(others)
    shown = "".join([jobs, *(response.text for response in others)])
    # A cursor says where the list goes on, in letters that mean nothing elsewhere.
    return Skeleton(re.sub(r"(?<=cursor=)[\w-]+", "", shown))


@pytest.mark.parametrize("first", [0, RUNS])
def test_the_page_has_no_element_that_a_value_made(first: int) -> None:
    """Job, schedule, pause, run, error, broker: all of it is said, none of it does anything."""
    texts = [*TEXTS.values()][first:]
    names = sorted(NAMES)

    found = page(texts, names)

    numbers = [f"harmless {number:02}" for number in range(len(names))]
    assert found.parts == page(["harmless"] * len(texts), numbers).parts
    for value in (*texts, *names):
        assert any(value in said for said in found.said), value


@pytest.fixture(scope="module")
def guarded() -> GuardedWorld:
    """Return a world whose callers have to log in, at a provider or with a token."""
    return GuardedWorld(login=True, url="https://cron.example")


@pytest.fixture(scope="module")
def opened() -> World:
    """Return a world that is open to everybody, and empty."""
    return World()


@pytest.mark.parametrize("what", TEXTS)
def test_the_search_and_the_login_show_what_was_sent_as_text(
    opened: World, guarded: GuardedWorld, what: str
) -> None:
    """Wherever the query goes, links stay on this service."""
    text = TEXTS[what]
    searched = opened.client.get(
        "/ui/jobs", query_string={"q": text, "cursor": text, "state": text}
    )
    login = guarded.client.get("/login", query_string={"next": text, "left": text}, headers=LINK)
    turned_away = guarded.client.get("/", query_string={"q": text}, headers=LINK)
    started = guarded.client.get("/login/start", query_string={"next": text}, headers=LINK)
    back = guarded.client.get("/login/callback", query_string={"state": text, "code": text})

    assert turned_away.headers["Location"].startswith("/login/start?next=%2F")
    assert started.headers["Location"].startswith("https://id.example/authorize?")
    assert (searched.status_code, login.status_code, back.status_code) == (200, 200, 401)
    for response in (searched, login, back):
        for part in Skeleton(response.text).parts:
            if isinstance(part, tuple):
                for name, value in part[1]:
                    assert name not in ACTIVE or str(value).startswith(("/", "#")), part
                    assert not str(value).startswith("//")
    assert [name for name, _ in back.headers if name == "Set-Cookie"] == []


@pytest.mark.parametrize("what", TEXTS)
def test_no_header_is_made_of_what_was_sent(guarded: GuardedWorld, what: str) -> None:
    """Names, paths and queries: no answer has another header, nor two lines in one."""
    text = quote(TEXTS[what])
    usual = set(guarded.ask(ADMIN, "GET", "/v1/jobs/nope").headers.keys())
    for path in (f"/v1/jobs/{text}", f"/v1/runs/{text}", f"/api/jobs/{text}", f"/jobs/{text}"):
        response = guarded.client.get(path, headers={"Authorization": f"Bearer {ADMIN}"})
        assert response.status_code == 404, path
        assert set(response.headers.keys()) <= usual
        assert not [value for _, value in response.headers if "\n" in value or "\r" in value]
