"""/v1/secrets: values go in sealed and never come out."""

from __future__ import annotations

from typing import Any

import pytest

from executor.adapters.keyring import Keyring
from executor.domain.command import CommandKind, encode_command
from executor.domain.named import NamedWrite, Stored
from executor.domain.secret import SECRETS
from tests.web.world import FORMER, KEY, World, faults_of, json_of, problem_of

VALUE = "correct horse battery staple"


def put(world: World, name: str = "TOKEN", value: str = VALUE, **headers: str) -> dict[str, Any]:
    """Put a secret and return its document."""
    response = world.send("PUT", f"/v1/secrets/{name}", {"value": value}, **headers)
    assert response.status_code in {200, 201}, response.text
    return json_of(response)


def test_put_creates_a_secret(world: World) -> None:
    """201 with its address and ETag; of the value there is nothing."""
    response = world.send("PUT", "/v1/secrets/TOKEN", {"value": VALUE})

    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Location"] == "/v1/secrets/TOKEN"
    shown = {
        "name": "TOKEN",
        "revision": 1,
        "key": "current",
        "updated_at": "2026-12-01T00:00:00Z",
    }
    assert json_of(response) == json_of(world.get("/v1/secrets/TOKEN")) == shown
    assert json_of(world.get("/v1/secrets")) == {"items": [shown], "next": None}


def test_the_value_travels_and_rests_sealed(world: World) -> None:
    """It is neither in the command, nor in its answer, nor in the store; a key opens it."""
    put(world)
    [sent] = world.executor.received
    stored = world.store.get_named(SECRETS, "TOKEN")
    answer = world.get(f"/v1/commands/{sent.id}")

    assert (sent.kind, sent.subject) == (CommandKind.PUT_SECRET, "TOKEN")
    for text in (encode_command(sent).decode(), repr(sent), repr(stored), answer.text):
        assert VALUE not in text
    assert isinstance(stored, Stored)
    assert Keyring([KEY]).open("TOKEN", stored.value) == VALUE


def test_put_replaces_a_secret(world: World) -> None:
    """200, and the revision counts; If-Match guards it."""
    put(world)

    assert put(world, value="another value")["revision"] == 2
    late = world.send("PUT", "/v1/secrets/TOKEN", {"value": VALUE}, If_Match='"1"')
    problem_of(late, 412)


def test_a_deleted_secret_is_gone(world: World) -> None:
    """204, then 404."""
    put(world)

    assert world.send("DELETE", "/v1/secrets/TOKEN").status_code == 204
    problem_of(world.get("/v1/secrets/TOKEN"), 404)
    problem_of(world.send("DELETE", "/v1/secrets/TOKEN"), 404)
    assert json_of(world.get("/v1/secrets"))["items"] == []


def test_without_a_key_a_secret_is_refused() -> None:
    """409 that says how to make one; nothing is sent."""
    world = World(sealing=False)

    refused = problem_of(world.send("PUT", "/v1/secrets/TOKEN", {"value": VALUE}), 409)

    assert "openssl rand -base64 32" in refused["detail"]
    assert "SOLOCRON_SECRET_KEY" in refused["detail"]
    assert world.executor.received == []
    assert json_of(world.get("/v1/secrets"))["items"] == []


@pytest.mark.parametrize(
    ("name", "document", "field", "says"),
    [
        ("2TOKEN", {"value": VALUE}, "name", "use a letter"),
        ("a%20b", {"value": VALUE}, "name", "use a letter"),
        ("TOKEN", {}, "value", "is required"),
        ("TOKEN", {"value": 5}, "value", "string"),
        ("TOKEN", {"value": None}, "value", "string"),
        ("TOKEN", {"value": " abc "}, "value", "fewer than 4 characters"),
        ("TOKEN", {"value": "x" * 40_000}, "value", "longer than 32,768"),
        ("TOKEN", {"value": "abcd\x00"}, "value", "NUL"),
        ("TOKEN", {"value": VALUE, "note": "x"}, "note", "unknown field"),
    ],
)
def test_a_wrong_secret_is_refused(
    world: World, name: str, document: dict[str, Any], field: str, says: str
) -> None:
    """422 names the place and what to write; nothing is sent, and the value is not repeated."""
    response = world.send("PUT", f"/v1/secrets/{name}", document)

    assert says in faults_of(response, 422)[field]
    assert world.executor.received == []
    for value in ("abc", VALUE):
        assert value not in response.text


def test_a_broken_secret_hides_no_other_and_is_mended_by_put(world: World) -> None:
    """It is shown as broken, with the reason, and without an ETag."""
    put(world)
    put(world, "OTHER")
    world.store.break_named(SECRETS, "TOKEN")

    shown = world.get("/v1/secrets/TOKEN")

    assert json_of(shown) == {"name": "TOKEN", "state": "broken", "error": "broken on purpose"}
    assert "ETag" not in shown.headers
    assert len(json_of(world.get("/v1/secrets"))["items"]) == 2
    assert put(world)["revision"] == 2


def test_it_is_shown_which_key_each_secret_needs(world: World) -> None:
    """So an operator knows when the former one may go."""
    for name, key in (("NEW", KEY), ("OLD", FORMER), ("LOST", b"l" * 32)):
        sealed = Keyring([key]).seal(name, VALUE)
        stored = Stored(name=name, value=sealed, revision=1, updated_at=world.clock.now())
        assert world.store.write_named(NamedWrite(SECRETS, stored, None)) is None

    shown = {one["name"]: one["key"] for one in json_of(world.get("/v1/secrets"))["items"]}

    assert shown == {"NEW": "current", "OLD": "former", "LOST": "unknown"}
    assert json_of(world.get("/v1/secrets/OLD"))["key"] == "former"


def test_a_job_that_uses_a_secret_shows_its_name_only(world: World) -> None:
    """What is stored and shown is the template."""
    put(world)
    target = {"kind": "http", "url": "https://example.com/?key={{ secret.TOKEN | url }}"}

    job = world.add({"name": "job", "target": target})

    assert job["target"]["url"] == target["url"]
    assert "correct" not in world.get("/").text
