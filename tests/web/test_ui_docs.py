"""/docs: the API's description as pages, from the document itself."""

from __future__ import annotations

import html
import re
import shlex
from typing import Any

from tests.web.guarded import GuardedWorld
from tests.web.reading import BROWSER, check_page, read, visit, words
from tests.web.world import World, json_of, problem_of
from web.gate import MOST_FAILURES

#: Lowest status of a refusal.
REFUSED = 400


def description(world: World) -> dict[str, Any]:
    """Return the document that the pages show."""
    return json_of(world.get("/openapi.json"))


def meaning(page: str, section: str, status: str) -> str:
    """Return what *section* of *page* says of *status*, or leads to; without marks of code."""
    if int(status) < REFUSED:
        found = re.search(
            rf'<dt><span class="badge good">{status}</span></dt><dd>([^\n]*)', section
        )
    else:
        [place] = re.findall(rf'class="badge failed" href="#([\w-]+)">{status}<', section)
        found = re.search(rf'<dt id="{place}">.*?</dt><dd>(.*?)</dd>', html.unescape(page))
    assert found, status
    text = re.sub(r"</?code>", "`", found[1])
    return re.sub(r"\s*<(p|details|span|/dd).*", "", text)


def test_every_operation_is_listed_and_has_its_place(world: World) -> None:
    """The first page leads to each of them; its part has a section of that name."""
    first = visit(world, "/docs")
    check_page(first)

    for path, methods in description(world)["paths"].items():
        for operation in methods.values():
            address = f"/docs/{operation['tags'][0]}#{operation['operationId']}"
            assert f'href="{address}"><code>{path}</code>' in html.unescape(first)


def test_every_part_shows_all_that_the_document_says(world: World) -> None:
    """Parameters, answers, refusals and scopes of each operation; every page is small."""
    document = description(world)
    for tag in document["tags"]:
        page = visit(world, f"/docs/{tag['name']}")
        check_page(page)
        for path, methods in document["paths"].items():
            for operation in methods.values():
                if operation["tags"] != [tag["name"]]:
                    continue
                section = page.partition(f'id="{operation["operationId"]}"')[2]
                section = html.unescape(section.partition("</section>")[0])
                assert f"<code>{path}</code>" in section
                for parameter in operation["parameters"]:
                    assert f"<code>{parameter['name']}</code>" in section
                for status, answer in operation["responses"].items():
                    assert meaning(page, section, status) == answer["description"]


def test_every_schema_has_a_page_and_every_link_leads_somewhere(world: World) -> None:
    """From any of the pages; also to the places within a page."""
    document = description(world)
    pages = ["/docs", *(f"/docs/{tag['name']}" for tag in document["tags"])]
    pages += [f"/docs/schemas/{name}" for name in document["components"]["schemas"]]
    texts = {address: visit(world, address) for address in pages}

    for address, page in texts.items():
        check_page(page)
        for link in re.findall(r'href="(/docs[^"]*|#[^"]+)"', page):
            place, _, name = link.partition("#")
            there = texts[place or address]
            assert not name or f'id="{name}"' in there, (address, link)


def test_a_schema_says_what_each_field_is(world: World) -> None:
    """Type, whether it is needed, its default, its bounds, and what may stand within it."""
    page = visit(world, "/docs/schemas/Definition")
    shown = words(page)
    schedule = words(visit(world, "/docs/schemas/Schedule"))

    assert "name string needed Unique among all jobs." in shown
    assert "not empty; at most 200 characters" in shown
    assert 'default <code>"PT1H"</code>' in html.unescape(page)
    assert '<a href="/docs/schemas/Retry">Retry</a>' in page
    assert '<a href="/docs/schemas/Schedule">Schedule</a>' in page
    assert "kind cron" in schedule
    assert "such as */5 * * * *" in schedule
    assert 'such as {"enabled": false}' in read(world, "/docs/schemas/Patch")


def test_a_page_says_everything_once(world: World) -> None:
    """What PUT takes is told apart from what POST takes, and refusals are explained at the end."""
    page = visit(world, "/docs/jobs")
    put = page.partition('id="shape-Replacement"')[2].partition("</details>")[0]
    shown = words(put)

    assert "As Definition , but for: name string Unique among all jobs." in shown
    assert "updated_at anything set by the service, ignored here" in shown
    assert "on_failure" not in shown
    assert page.count("The body is not sent as JSON.") == 1
    assert len(page.encode()) < 65_000


def test_examples_are_requests_that_work(world: World) -> None:
    """The curl command, taken apart, makes a job."""
    page = html.unescape(visit(world, "/docs/jobs"))
    section = page.partition('id="create_job"')[2].partition("</section>")[0]
    [command] = re.findall(r'<pre class="copy"[^>]*>([^<]+)</pre>', section)
    parts = shlex.split(command.replace("\\\n", ""))

    assert parts[:4] == ["curl", "-X", "POST", "http://localhost/v1/jobs"]
    body = parts[parts.index("-d") + 1]
    headers = {"Content-Type": "application/json"}
    assert world.client.post("/v1/jobs", data=body, headers=headers).status_code == 201


def test_what_is_not_there_is_said(world: World) -> None:
    """A page for people, a problem for programs."""
    for address in ("/docs/nothing", "/docs/schemas/Nobody"):
        assert "/docs lists what there is" in read(world, address, 404)
        problem_of(world.get(address), 404)


def test_everybody_may_read_it_and_is_told_to_send_a_token() -> None:
    """As the document itself; the examples carry one then."""
    world = GuardedWorld()

    response = world.client.get("/docs/jobs", headers=BROWSER)

    assert response.status_code == 200
    assert "Authorization: Bearer $SOLOCRON_TOKEN" in html.unescape(response.text)
    assert "Send a token" in words(world.client.get("/docs", headers=BROWSER).text)


def log_in(world: GuardedWorld, token: str) -> None:
    """Send the form of the login page."""
    answer = world.client.post("/login", data={"token": token}, headers=BROWSER)
    assert answer.status_code == 303, answer.text


def header_of(world: World, address: str = "/docs/jobs") -> str:
    """Return the header of the page at *address*."""
    return visit(world, address).partition("<header")[2].partition("</header>")[0]


def test_who_is_logged_in_has_the_header_of_every_page() -> None:
    """His name, the way out, a new job if he may, and the pages that are for him."""
    world = GuardedWorld()
    log_in(world, world.token("jobs:write", "runs:read", name="alice"))

    for address in ("/docs", "/docs/jobs", "/docs/schemas/Definition"):
        header = header_of(world, address)
        assert "token:alice" in header
        assert "Log out" in header
        assert 'href="/ui/jobs/new"' in header
        assert 'href="/ui/secrets"' in header
        assert 'href="/ui/tokens"' not in header


def test_where_nobody_has_to_say_who_he_is_everything_is_offered(world: World) -> None:
    """As on every other page; there is nothing to log in to."""
    header = header_of(world)

    assert 'href="/ui/jobs/new"' in header
    assert 'href="/ui/tokens"' in header
    assert "Log" not in header


def test_nobody_is_offered_the_login_and_led_back() -> None:
    """No name and no button that he could not use."""
    header = header_of(GuardedWorld())

    assert 'href="/login?next=%2Fdocs%2Fjobs">Log in<' in header
    assert "Log out" not in header
    assert "/ui/jobs/new" not in header


def test_nothing_keeps_anybody_from_reading() -> None:
    """A session that has ended, a token that does not count, and a store that is down."""
    world = GuardedWorld()
    log_in(world, world.token("jobs:read", name="alice"))
    world.clock.advance(13 * 3_600)
    assert "Log in" in header_of(world)

    world.store.down = True
    assert "Log in" in header_of(world)
    for _ in range(MOST_FAILURES + 2):
        assert "Log in" in visit(world, "/docs", Authorization="Bearer wrong")
