"""/ui/secrets: names, when they were put, who uses them; never a value."""

from __future__ import annotations

import pytest

from executor.adapters.keyring import Keyring
from executor.domain.errors import NoExecutor
from executor.domain.named import NamedWrite, Stored
from executor.domain.secret import SECRETS
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, submit, visit, words
from tests.web.world import FORMER, KEY, PLAIN, World, json_of

PAGE = "/ui/secrets"

VALUE = "correct horse\r\nbattery staple\r\n"

USER = {**PLAIN, "target": {"kind": "http", "url": "https://example.com/{{ secret.KEY }}"}}


def put(world: World, name: str = "KEY", value: str = VALUE, **form: str) -> None:
    response = submit(world, PAGE, name=name, value=value, **form)
    assert response.status_code == 303, response.text


def test_a_secret_is_put_and_never_shown(world: World) -> None:
    """As it was typed, line breaks of a line feed each; of the value no page has anything."""
    put(world)

    said = read(world, PAGE)
    assert "KEY was made; jobs use it from their next run on." in said
    stored = world.store.get_named(SECRETS, "KEY")
    assert isinstance(stored, Stored)
    assert Keyring([KEY]).open("KEY", stored.value) == "correct horse\nbattery staple\n"
    for address in (PAGE, f"{PAGE}/KEY"):
        page = visit(world, address)
        assert "horse" not in page
        check_page(page)


def test_a_secret_gets_another_value_where_it_is_shown(world: World) -> None:
    """And the page says which it was."""
    put(world)
    response = submit(world, PAGE, name="KEY", value="another one", back="one")

    assert response.headers["Location"] == f"{PAGE}/KEY"
    assert "KEY has another value" in read(world, f"{PAGE}/KEY")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": "a b", "value": "long enough"}, "Use a letter or `_`"),
        ({"name": "KEY", "value": "abc"}, "fewer than 4 characters"),
        ({"name": "KEY", "value": "abc", "back": "one"}, "fewer than 4 characters"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(world: World, form: dict[str, str], says: str) -> None:
    """The name stays; the value is not sent back to anybody."""
    put(world)
    refused = submit(world, PAGE, **form)

    assert refused.status_code == 422
    assert says in words(refused.text)
    assert f'value="{form["name"]}"' in refused.text
    assert f">{form['value']}<" not in refused.text
    check_page(refused.text)


def test_a_secret_says_who_uses_it(world: World) -> None:
    """Jobs and channels; those that only look like it are not among them."""
    put(world)
    world.add(USER, name="user")
    world.add(PLAIN, name="bystander", description="{{ secret.KEY }}")
    hook = {"kind": "slack", "url": "{{ secret.KEY }}"}
    world.send("PUT", "/v1/channels/chat", hook)

    page = visit(world, f"{PAGE}/KEY")
    shown = words(page)

    assert "Used by user Channels that use it chat" in shown
    assert 'href="/ui/jobs/user"' in page
    assert "bystander" not in shown.partition("Used by")[2]


def test_deleting_asks_once_more(world: World) -> None:
    """Then it is gone, and the list says so."""
    put(world)
    asked = submit(world, f"{PAGE}/KEY/delete")
    assert "Delete KEY?" in asked.text
    check_page(asked.text)

    done = submit(world, f"{PAGE}/KEY/delete", sure="yes")
    assert done.headers["Location"] == PAGE
    assert "KEY was deleted." in read(world, PAGE)
    visit(world, f"{PAGE}/KEY", 404)


def test_what_is_refused_leads_back_to_the_secret(world: World) -> None:
    """With the reason."""
    put(world)
    world.executor.away = NoExecutor("nobody executes")

    refused = submit(world, f"{PAGE}/KEY/delete", sure="yes")

    assert refused.headers["Location"] == f"{PAGE}/KEY"
    assert "Nobody executes." in read(world, f"{PAGE}/KEY")


def test_a_secret_under_the_former_key_is_to_be_put_again(world: World) -> None:
    """So that the former key can go."""
    sealed = Keyring([FORMER]).seal("OLD", "long enough")
    stored = Stored(name="OLD", value=sealed, revision=1, updated_at=world.clock.now())
    world.store.write_named(NamedWrite(SECRETS, stored, None))

    assert "put it again, then the former key is needed no more" in read(world, PAGE)


def test_without_a_key_the_page_says_how_to_make_one() -> None:
    """And has no form that could not work."""
    world = World(sealing=False)
    page = visit(world, PAGE)

    assert "openssl rand -base64 32" in page
    assert "<textarea" not in page
    assert "No secrets yet." in words(page)
    assert submit(world, PAGE, name="KEY", value="long enough").status_code == 409


def test_who_may_only_look_is_told_so() -> None:
    """He sees the names, and whom of his jobs they concern; there is no form."""
    world = GuardedWorld()
    world.ask(ADMIN, "PUT", "/v1/secrets/KEY", {"value": "long enough"})
    for name, tag in (("ours", "a"), ("theirs", "b")):
        world.ask(ADMIN, "POST", "/v1/jobs", {**USER, "name": name, "tags": [tag]})
    world.ask(ADMIN, "PUT", "/v1/channels/chat", {"kind": "slack", "url": "{{ secret.KEY }}"})
    token = world.token("jobs:read#a", "runs:read#a")
    headers = {**BROWSER, "Authorization": f"Bearer {token}"}

    listed = world.client.get(PAGE, headers=headers).text
    one = words(world.client.get(f"{PAGE}/KEY", headers=headers).text)

    assert "to put or delete secrets one needs jobs:write for all jobs" in words(listed)
    assert "<textarea" not in listed
    assert "Used by ours" in one
    assert "theirs" not in one
    assert "chat" not in one
    for path in (PAGE, f"{PAGE}/KEY/delete"):
        assert world.client.post(path, data={"sure": "yes"}, headers=headers).status_code == 403
    assert json_of(world.ask(ADMIN, "GET", "/v1/secrets/KEY"))["revision"] == 1
