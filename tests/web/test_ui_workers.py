"""/ui/workers and /ui/settings: what runs here, and how it is set up."""

from __future__ import annotations

from dataclasses import replace

from executor.config import Settings
from executor.config.listing import rows
from executor.domain.run import RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, visit, words
from tests.web.world import INSTANCE, World
from web.app import create_app
from web.services import Setting

PAGE = "/ui/workers"


def test_instances_are_listed_with_what_they_do(world: World) -> None:
    """Who executes since when, who stands by, and what differs between them."""
    world.beat(INSTANCE, "executing", tzdata="2026a")
    world.beat("executor-2", "standby", tzdata="2025b", version="1.2.2")
    world.clear()

    page = visit(world, PAGE)
    shown = words(page)

    assert f"{INSTANCE} host executes term 1, since" in shown
    assert "executor-2 host stands by 1.2.2 2025b" in shown
    assert "They are of different versions" in shown
    assert "They go by different time zone data" in shown
    check_page(page)
    assert part(world, page).status_code == 204


def test_runs_that_are_worked_on_elsewhere_are_listed(world: World) -> None:
    """Those in hand and those that nobody has taken; what runs here is not among them."""
    now = world.clock.now()
    world.put_run("r1", job="taken", state=RunState.RUNNING, remote=True, started_at=now)
    world.put_run("r2", job="open", state=RunState.PENDING, remote=True)
    world.put_run("r3", job="here", state=RunState.RUNNING, started_at=now)
    world.put_run("r4", job="soon", state=RunState.PENDING)

    page = visit(world, PAGE)
    shown = words(page)

    assert "1 in hand, 1 waiting for somebody" in shown
    assert "in hand taken attempt 1 since" in shown
    assert "waits open nobody has taken it yet" in shown
    assert 'href="/ui/runs/r1"' in page
    assert "here" not in shown.partition("in hand taken")[2].partition("waits")[0]


def test_reports_and_dead_letters_are_counted(world: World) -> None:
    """Of the term that lasts; what did not come is not shown as a number."""
    world.beat(INSTANCE, "executing", reports={"applied": 1_200, "late": 3})
    world.clear()
    world.executor.dead = 2

    shown = read(world, PAGE)

    assert "1,200 applied; 3 late: the run was over already" in shown
    assert "illegal" not in shown
    assert "2 messages that nobody could use" in shown


def test_where_nothing_runs_the_page_says_how_to_begin(world: World) -> None:
    """An instance, and workers."""
    shown = read(world, PAGE)

    assert "No instance was seen. Start one with solocron serve" in shown
    assert "Nothing is with a worker." in shown


def test_without_the_store_the_page_says_so(world: World) -> None:
    """503, and it comes back by itself."""
    world.store.down = True
    page = visit(world, PAGE, 503)

    assert "The store does not answer." in words(page)
    check_page(page)


def test_settings_are_shown_with_origin_and_meaning() -> None:
    """Those that somebody has set first; secrets masked, also in what a URL holds."""
    environ = {
        "PORT": "8123",
        "SOLOCRON_SECRET_KEY": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "SOLOCRON_ADMIN_TOKEN": ADMIN,
        "RABBITMQ_URL": "amqp://user:hunter2@broker.example",
        "MONGODB_URI": "mongodb://user:hunter2@store.example/x",
    }
    settings = Settings.from_env(environ)
    world = World()
    shown = [Setting(row.name, row.value, row.origin, row.meaning) for row in rows(settings)]
    services = replace(world.services, settings=shown, notes=["something is odd"])
    world.client = create_app(services).test_client()

    page = visit(world, "/ui/settings")
    text = words(page)

    assert "PORT Port that the web process listens on. 8123 environment" in text
    assert "SOLOCRON_SECRET_KEY The key that secrets are sealed with" in text
    assert text.index("PORT") < text.index("As they are by default") < text.index("SOLOCRON_FACES")
    assert "something is odd." in text
    for secret in ("hunter2", ADMIN, environ["SOLOCRON_SECRET_KEY"]):
        assert secret not in page
    assert "<code>openssl rand -base64 32</code>" in page
    check_page(page)


def test_settings_are_for_administrators() -> None:
    """Others are not offered them, and are told what they lack."""
    world = GuardedWorld()
    headers = {**BROWSER, "Authorization": f"Bearer {world.token('jobs:write', 'runs:write')}"}

    assert "/ui/settings" not in world.client.get("/ui/jobs", headers=headers).text
    refused = world.client.get("/ui/settings", headers=headers)
    assert refused.status_code == 403
    assert "This needs the scope admin" in words(refused.text)


def test_an_instance_that_was_not_told_its_settings_says_so(world: World) -> None:
    """With another way to see them."""
    assert "solocron config" in read(world, "/ui/settings")
