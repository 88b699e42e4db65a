"""/v1/channels and /v1/notifications: who is told of what, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.channel import CHANNELS
from executor.domain.command import CommandKind
from executor.domain.notification import (
    NotificationChange,
    NotificationState,
    delivered,
    failed,
)
from tests.contract.store_world import a_notification, a_ping
from tests.web.world import World, faults_of, json_of, problem_of

HOOK = {"kind": "webhook", "url": "https://example.com/hook", "authorization": "", "sign": None}
MAIL = {
    "kind": "email",
    "host": "smtp.example.com",
    "port": None,
    "security": "starttls",
    "user": "solocron",
    "password": "{{ secret.SMTP }}",
    "from": "solocron@example.com",
    "to": ["ops@example.com"],
}


def put(world: World, name: str = "ops", document: Any = None, **headers: str) -> dict[str, Any]:
    """Put a channel and return its document."""
    response = world.send("PUT", f"/v1/channels/{name}", document or HOOK, **headers)
    assert response.status_code in {200, 201}, response.text
    return json_of(response)


@pytest.mark.parametrize("document", [HOOK, MAIL])
def test_put_creates_a_channel(world: World, document: dict[str, Any]) -> None:
    """201 with its address and ETag; it is shown as it was written."""
    response = world.send("PUT", "/v1/channels/ops", document)

    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Location"] == "/v1/channels/ops"
    shown = {
        "name": "ops",
        "revision": 1,
        "updated_at": "2026-12-01T00:00:00Z",
        "definition": document,
    }
    assert json_of(response) == json_of(world.get("/v1/channels/ops")) == shown
    assert json_of(world.get("/v1/channels")) == {"items": [shown], "next": None}


def test_put_replaces_a_channel(world: World) -> None:
    """200, and the revision counts; If-Match guards it."""
    put(world)

    assert put(world, document=MAIL)["revision"] == 2
    problem_of(world.send("PUT", "/v1/channels/ops", HOOK, If_Match='"1"'), 412)


def test_a_deleted_channel_is_gone(world: World) -> None:
    """204, then 404."""
    put(world)

    assert world.send("DELETE", "/v1/channels/ops").status_code == 204
    for refused in (
        world.get("/v1/channels/ops"),
        world.send("DELETE", "/v1/channels/ops"),
        world.post("/v1/channels/ops/test"),
    ):
        problem_of(refused, 404)
    assert json_of(world.get("/v1/channels"))["items"] == []


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ({}, "kind", "write `webhook` or `slack` or `email`"),
        ({"kind": "fax"}, "kind", "write `webhook` or `slack` or `email`"),
        ({"kind": "webhook"}, "url", "is required"),
        ({"kind": "webhook", "url": "ftp://x"}, "url", "http:// or https://"),
        ({**HOOK, "url": "https://x/{{ run.id }}"}, "url", "only `secret.NAME`"),
        ({**HOOK, "authorization": "Bearer abc"}, "authorization", "is a credential"),
        ({**HOOK, "autorization": ""}, "autorization", "write `authorization`"),
        ({"kind": "slack", "url": "https://hooks.slack.com/a"}, "url", "is a credential"),
        ({**MAIL, "password": "hunter2"}, "password", "is a credential"),
        ({**MAIL, "security": "none"}, "security", "starttls"),
        ({**MAIL, "user": ""}, "user", "is required with a password"),
        ({**MAIL, "to": []}, "to", "must not be empty"),
        ({**MAIL, "to": ["ops"]}, "to.0", "somebody@example.com"),
        ({**MAIL, "from": "a@b.c\nBcc: d@e.f"}, "from", "is not an address"),
        ({**MAIL, "frm": "a@b.c"}, "frm", "write `from`"),
    ],
)
def test_a_wrong_channel_is_refused(
    world: World, document: dict[str, Any], field: str, says: str
) -> None:
    """422 names the place and what to write; nothing is sent, and no password is repeated."""
    response = world.send("PUT", "/v1/channels/ops", document)

    assert says in faults_of(response, 422)[field]
    assert world.executor.received == []
    assert "hunter2" not in response.text


def test_a_channel_needs_a_name_that_fits_into_an_address(world: World) -> None:
    """As that of a job."""
    refused = world.send("PUT", "/v1/channels/a%3Fb", HOOK)

    assert "without control characters" in faults_of(refused, 422)["name"]


def test_a_broken_channel_hides_no_other_and_is_mended_by_put(world: World) -> None:
    """It is shown as broken, with the reason, and without an ETag."""
    put(world)
    put(world, "other")
    world.store.break_named(CHANNELS, "ops")

    shown = world.get("/v1/channels/ops")

    assert json_of(shown) == {"name": "ops", "state": "broken", "error": "broken on purpose"}
    assert "ETag" not in shown.headers
    assert len(json_of(world.get("/v1/channels"))["items"]) == 2
    assert put(world)["revision"] == 2


def settle(world: World, *changes: NotificationChange) -> None:
    """Let an executor say what came of deliveries."""
    world.store.change_notifications(changes)


@pytest.mark.parametrize("error", [None, "could not connect to example.com:443"])
def test_a_test_answers_with_what_came_of_it(world: World, error: str | None) -> None:
    """Once the executor has tried; a failure is told, and not tried again."""
    put(world)

    def try_it() -> None:
        [test] = world.store.every_notification()
        settle(
            world, delivered(test, test.due_at) if not error else failed(test, test.due_at, error)
        )

    world.while_waiting = try_it
    answer = json_of(world.post("/v1/channels/ops/test"))

    [sent] = world.executor.received[1:]
    assert (sent.kind, sent.subject) == (CommandKind.TEST_CHANNEL, "ops")
    assert answer["state"] == ("dead" if error else "delivered")
    assert answer["last_error"] == error
    assert (answer["event"], answer["channel"], answer["job"]) == ("test", "ops", None)
    assert json_of(world.get(f"/v1/notifications/{answer['id']}")) == answer


def test_a_test_that_nobody_tries_is_answered_as_pending(world: World) -> None:
    """After a while, rather than never."""
    put(world)
    waits: list[None] = []
    world.while_waiting = lambda: waits.append(None)

    assert json_of(world.post("/v1/channels/ops/test"))["state"] == "pending"
    assert 10 <= len(waits) <= 200


def test_notifications_are_listed_newest_first(world: World) -> None:
    """By pages; pings say what they signal, and what is over is not due."""
    world.put_job("backup", id="job-backup")
    payload = {"event": "failure", "job": "backup", "failures": 3}
    dead = NotificationState.DEAD
    world.store.add_notifications(
        [
            a_notification("mail", payload=payload, state=dead, attempts=2, last_error="no"),
            a_ping("ping", 5, payload={"signal": "start"}),
        ]
    )
    first = json_of(world.get("/v1/notifications?limit=1"))
    second = json_of(world.get(f"/v1/notifications?limit=1&cursor={first['next']}"))
    [ping], [mail] = first["items"], second["items"]

    assert (ping["id"], ping["channel"], ping["subject"]) == ("ping", None, "backup: start")
    assert ping["due_at"] is not None
    assert (mail["subject"], mail["due_at"]) == ("backup failed, 3 times in a row", None)
    assert (mail["state"], mail["attempts"], mail["last_error"]) == ("dead", 2, "no")
    assert second["next"] is None
    for query, ids in (
        ("state=dead", ["mail"]),
        ("state=delivered", []),
        ("job=backup", ["ping", "mail"]),
        ("channel=ops", ["mail"]),
    ):
        listed = json_of(world.get(f"/v1/notifications?{query}"))["items"]
        assert [one["id"] for one in listed] == ids


def test_a_wrong_question_about_notifications_names_the_parameter(world: World) -> None:
    """And what may be written."""
    faults = faults_of(world.get("/v1/notifications?state=gone&limit=0&cursor=x"), 400)
    assert "pending, delivered, dead, superseded" in faults["state"]
    problem_of(world.get("/v1/notifications?job=nobody"), 404)
    problem_of(world.get("/v1/notifications/none"), 404)
    faults_of(world.get("/v1/notifications?cursor=x"), 400)
