"""/ui/channels and /ui/notifications: who is told, whether it works, and what was sent."""

from __future__ import annotations

import html
import re
from functools import partial
from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.errors import NoExecutor
from executor.domain.notification import NotificationState, delivered, failed
from executor.ports.store import NotificationFilter
from tests.contract.store_world import a_notification, a_ping
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, submit, visit, words
from tests.web.world import PLAIN, World, json_of
from web.ui.notifications import ROWS

PAGE = "/ui/channels"

MAIL = {
    "kind": "email",
    "name": "ops",
    "to": "ops@example.com\r\noncall@example.com",
    "from": "solocron@example.com",
    "host": "smtp.example.com",
    "security": "starttls",
    "port": "2525",
    "user": "solocron",
    "password": "{{ secret.SMTP }}",
}

HOOK = {"kind": "webhook", "name": "ops", "url": "https://example.com/hook", "sign": "KEY"}

#: What a notification about a failure says.
SAID = {"event": "failure", "job": "backup", "failures": 3}

PENDING = NotificationFilter(state=NotificationState.PENDING)

SLACK = {"kind": "slack", "name": "ops", "url": "{{ secret.SLACK }}"}


def definition(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json_of(world.get("/v1/channels/ops"))["definition"]
    return found


def end(world: World, error: str) -> None:
    """Let the message that is on its way arrive, or fail with *error*."""
    [one] = world.store.list_notifications(PENDING, 5, None).items
    now = world.clock.now()
    change = failed(one, one.expires_at, error) if error else delivered(one, now)
    world.store.change_notifications([change])


def typed(page: str) -> dict[str, str]:
    """Return what the form of *page* would send, but for what is chosen from a list."""
    fields = re.findall(r'<input[^>]* name="([\w]+)"[^>]*? value="([^"]*)"', page)
    areas = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)<', page)
    return {name: html.unescape(value) for name, value in [*fields, *areas]}


@pytest.mark.parametrize("form", [MAIL, HOOK, SLACK])
def test_a_channel_of_each_kind_is_made_and_edited(world: World, form: dict[str, str]) -> None:
    """The form shows it as it is; saving it unchanged changes nothing."""
    check_page(visit(world, f"/ui/channel?kind={form['kind']}"))
    made = submit(world, "/ui/channel", **form)
    assert (made.status_code, made.headers["Location"]) == (303, f"{PAGE}/ops"), made.text
    before = definition(world)

    page = visit(world, f"{PAGE}/ops")
    assert "ops was made; try whether it works." in words(page)
    check_page(page)
    sent = {**typed(page), "security": "starttls"}
    assert sent["kind"] == form["kind"]
    submit(world, f"{PAGE}/ops", **sent)

    assert definition(world) == before
    assert json_of(world.get("/v1/channels/ops"))["revision"] == 2


def test_a_mail_channel_is_what_was_typed(world: World) -> None:
    """Addresses line by line, the port as a number; an empty field has its default."""
    submit(world, "/ui/channel", **MAIL)

    found = definition(world)
    assert (found["to"], found["port"]) == (["ops@example.com", "oncall@example.com"], 2525)
    submit(world, f"{PAGE}/ops", **{**MAIL, "port": ""})
    assert definition(world)["port"] is None


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        ({**MAIL, "password": "hunter2"}, "password", "Is a credential"),
        ({**MAIL, "to": "ops"}, "to", "Line 1: 'ops' is not an address"),
        ({**MAIL, "port": "many"}, "port", "number"),
        ({**MAIL, "security": "none"}, "security", "starttls"),
        ({**SLACK, "url": "https://hooks.slack.example/x"}, "url", "Is a credential"),
        ({**HOOK, "url": "ftp://x"}, "url", "http:// or https://"),
        ({**HOOK, "sign": "a b"}, "sign", ""),
        ({**HOOK, "name": "a/b"}, "name", "without control characters"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    world: World, form: dict[str, str], field: str, says: str
) -> None:
    """And what was typed stays."""
    refused = submit(world, "/ui/channel", **form)

    assert refused.status_code == 422
    [said] = re.findall(rf'id="{field}-fault">([^<]+)<', refused.text)
    assert says in html.unescape(said)
    assert typed(refused.text)["name"] == form["name"]
    check_page(refused.text)
    assert json_of(world.get("/v1/channels"))["items"] == []


def test_a_new_channel_replaces_none_and_no_change_overwrites_another(world: World) -> None:
    """422, and 412 with what was typed."""
    submit(world, "/ui/channel", **HOOK)
    assert submit(world, "/ui/channel", **HOOK).status_code == 422
    submit(world, f"{PAGE}/ops", **{**HOOK, "revision": "1"})

    refused = submit(world, f"{PAGE}/ops", **{**HOOK, "revision": "1", "sign": "MINE"})

    assert refused.status_code == 412
    assert typed(refused.text)["sign"] == "MINE"


def test_a_channel_is_tried(world: World) -> None:
    """The page says whether the message got through, and if not, why."""
    submit(world, "/ui/channel", **HOOK)

    for error, says in (
        ("", "The test message was delivered."),
        ("connection refused", "did not get through: connection refused"),
    ):
        world.while_waiting = partial(end, world, error)
        response = submit(world, f"{PAGE}/ops/test")
        assert response.headers["Location"] == f"{PAGE}/ops"
        assert says in read(world, f"{PAGE}/ops")
    world.while_waiting = lambda: None
    submit(world, f"{PAGE}/ops/test")
    assert "still on its way" in read(world, f"{PAGE}/ops")
    world.executor.away = NoExecutor("nobody executes")
    submit(world, f"{PAGE}/ops/test")
    assert "Nobody executes." in read(world, f"{PAGE}/ops")


def test_channels_are_listed_with_where_they_lead(world: World) -> None:
    """And with who uses them; deleting asks once more."""
    submit(world, "/ui/channel", **MAIL)
    submit(world, "/ui/channel", **{**SLACK, "name": "chat"})
    world.add(PLAIN, name="user", notify=[{"channel": "ops"}])

    page = visit(world, PAGE)
    assert "ops Mail ops@example.com, oncall@example.com Try it" in words(page)
    assert "chat Slack or its like {{ secret.SLACK }}" in words(page)
    check_page(page)
    assert "Used by user" in read(world, f"{PAGE}/ops")
    assert "Delete chat?" in submit(world, f"{PAGE}/chat/delete").text
    assert submit(world, f"{PAGE}/chat/delete", sure="yes").headers["Location"] == PAGE
    assert world.executor.received[-1].kind is CommandKind.DELETE_CHANNEL
    assert "chat was deleted." in read(world, PAGE)


def test_what_was_sent_is_listed(world: World) -> None:
    """What it said, over what, and why it did not get through."""
    world.put_job("backup", id="job-backup")
    world.store.add_notifications(
        [
            a_notification("n1", payload=SAID),
            a_notification("n2", channel="chat", payload=SAID),
            a_ping("p1"),
        ]
    )
    one = world.store.get_notification("n1")
    world.store.change_notifications([failed(one, one.expires_at, "connection refused")])

    page = visit(world, "/ui/notifications")
    shown = words(page)

    assert "dead backup failed, 3 times in a row over ops" in shown
    assert "connection refused" in shown
    assert "to its monitor" in shown
    check_page(page)
    assert part(world, page).status_code == 204
    for query, number in (
        ("state=dead", 1),
        ("channel=chat", 1),
        ("channel=%3Fpings", 1),
        (f"job={one.job_id}", 3),
        ("state=odd", 3),
    ):
        found = visit(world, f"/ui/notifications?{query}")
        assert found.count("<li><span") == number, query
    assert "No notification matches." in read(world, "/ui/notifications?channel=nobody")


def test_notifications_come_page_by_page(world: World) -> None:
    """Every one is met once."""
    sent = [a_notification(f"n{number}", payload=SAID) for number in range(ROWS + 2)]
    world.store.add_notifications(sent)

    first = visit(world, "/ui/notifications?state=pending")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = visit(world, html.unescape(following))

    assert [page.count("<li><span") for page in (first, second)] == [ROWS, 2]


def test_empty_lists_say_what_they_are_for(world: World) -> None:
    """With the way on."""
    assert "No channels yet." in read(world, PAGE)
    assert "Nobody was told of anything" in read(world, "/ui/notifications")


def test_who_may_only_look_is_told_so() -> None:
    """Whose rights are narrowed sees channels, not what was sent; nobody else sees either."""
    world = GuardedWorld()
    hook = {"kind": "webhook", "url": "https://example.com/hook"}
    world.ask(ADMIN, "PUT", "/v1/channels/ops", hook)
    headers = {**BROWSER, "Authorization": f"Bearer {world.token('jobs:write#a', 'runs:read')}"}

    listed = world.client.get(PAGE, headers=headers).text
    one = world.client.get(f"{PAGE}/ops", headers=headers).text
    assert "one needs jobs:write for all jobs" in words(listed)
    assert "/ui/notifications" not in listed
    assert "To see it one needs jobs:read for all jobs." in words(one)
    assert 'method="post"' not in one.partition("<main")[2]
    for path in ("/ui/channel", f"{PAGE}/ops", f"{PAGE}/ops/test", f"{PAGE}/ops/delete"):
        assert world.client.post(path, data=HOOK, headers=headers).status_code == 403
    readers = {**BROWSER, "Authorization": f"Bearer {world.token('jobs:read', 'runs:read')}"}
    assert world.client.get(PAGE, headers=readers).status_code == 403
    assert PAGE not in world.client.get("/ui/jobs", headers=readers).text


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Neither in a form nor in a list."""
    evil = "\"><script>alert(1)</script>'"
    for kind in ("email", "slack", "webhook"):
        form = {**dict.fromkeys([*MAIL, *HOOK], evil), "kind": kind}
        assert "<script>" not in submit(world, "/ui/channel", **form).text
    assert "<script>" not in visit(world, "/ui/notifications?channel=%22%3E%3Cscript%3E")
