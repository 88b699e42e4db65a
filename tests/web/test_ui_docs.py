"""/docs: the API's description as pages, from the document itself."""

from __future__ import annotations

import html
import re
import shlex
from typing import Any

from tests.web.guarded import GuardedWorld
from tests.web.reading import BROWSER, check_page, read, visit, words
from tests.web.world import World, json_of, problem_of


def description(world: World) -> dict[str, Any]:
    """Return the document that the pages show."""
    return json_of(world.get("/openapi.json"))


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
                for status in operation["responses"]:
                    assert re.search(rf'class="badge \w+">{status}<', section)


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

    assert "name string needed Unique among all jobs." in shown
    assert "at most 200 characters" in shown
    assert 'default <code>"PT1H"</code>' in html.unescape(page)
    assert '<a href="/docs/schemas/Retry">Retry</a>' in page
    assert "kind cron" in shown


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
