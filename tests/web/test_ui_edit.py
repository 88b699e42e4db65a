"""/ui/jobs/new and /ui/jobs/{job}/edit: the form in which a job is written."""

from __future__ import annotations

import re
from typing import Any

import pytest

from executor.domain.errors import Fault, NoExecutor
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from tests.web.forms import Fields, send
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.hostile_texts import TEXTS
from tests.web.reading import BROWSER, check_page, read, submit, visit, words
from tests.web.world import NIGHTLY, PLAIN, World, json_of
from web.ui.starters import STARTERS

NEW = "/ui/jobs/new"


def edit_of(job: dict[str, Any]) -> str:
    return f"/ui/jobs/{job['id']}/edit"


def fault_of(page: str, name: str) -> str:
    """Return what is said beside the control *name*."""
    found = re.search(rf'<p class="fault" id="{re.escape(name)}-fault">(.*?)</p>', page)
    return words(found[1]) if found else ""


def test_a_job_is_made_in_the_form(world: World) -> None:
    """A name, what it does, when: the page of the new job says that it was made."""
    page = visit(world, NEW)
    check_page(page)

    made = send(
        world,
        NEW,
        page,
        name="nightly",
        target__http__url="https://example.com/",
        schedule__cron__expression="30 2 * * *",
    )

    job = json_of(world.get("/v1/jobs/nightly"))
    assert (made.status_code, made.headers["Location"]) == (303, f"/ui/jobs/{job['id']}")
    assert "It was made." in read(world, made.headers["Location"])
    assert job["schedule"]["expression"] == "30 2 * * *"
    assert job["target"]["method"] == "POST"


def test_a_first_job_is_made_and_run_with_two_buttons(world: World) -> None:
    """A template, and then its run with what it said."""
    world.clear()
    assert f'href="{NEW}?template=hello"' in visit(world, "/")

    made = send(world, NEW, visit(world, f"{NEW}?template=hello"), do="run")

    [run] = json_of(world.get("/v1/jobs/hello/runs"))["items"]
    assert made.headers["Location"] == f"/ui/runs/{run['id']}"
    assert "It was made, and runs now." in read(world, made.headers["Location"])


@pytest.mark.parametrize("starter", STARTERS, ids=lambda one: one.key)
def test_every_template_makes_a_job(world: World, starter: Any) -> None:
    """As it stands; what is its user's own is the only thing to change."""
    page = visit(world, f"{NEW}?template={starter.key}")
    check_page(page)
    world.send("PUT", "/v1/secrets/REPORTS", {"value": "s3cret"})

    assert send(world, NEW, page).status_code == 303

    job = json_of(world.get(f"/v1/jobs/{starter.document['name']}"))
    assert job["target"]["kind"] == starter.document["target"]["kind"]


def test_templates_are_offered_that_can_be_saved() -> None:
    """Where no program is permitted none is proposed."""
    world = World(permitted=PermittedTargets(programs=PermittedPrograms(CommandsMode.OFF)))
    world.clear()

    page = visit(world, NEW)

    assert "Health check" in page
    assert "Nightly backup" not in page
    assert "template=hello" not in visit(world, "/")
    assert "template=health" in visit(world, "/")


def test_a_job_is_begun_like_another_one(world: World) -> None:
    """With everything but its name."""
    job = world.add(NIGHTLY, retry={"attempts": 3}, tags=["a"])

    send(world, NEW, visit(world, f"{NEW}?like={job['id']}"))

    copy = json_of(world.get("/v1/jobs/nightly-copy"))
    own = {"id", "name", "created_at", "updated_at"}
    assert {k: v for k, v in copy.items() if k not in own} == {
        k: v for k, v in job.items() if k not in own
    }


def test_every_fault_stands_beside_its_field(world: World) -> None:
    """Nothing is lost of what was written, and folded fields are unfolded."""
    answer = send(
        world,
        NEW,
        visit(world, NEW),
        name="a/b",
        schedule__cron__expression="0 25 * * *",
        schedule__cron__timezone="Moscow",
        target__http__url="nope",
        target__http__headers="X-One: 1\nno sign",
        retry__attempts="many",
        timeout="soon",
        notify__0__channel="ops",
        notify__0__after="0",
        labels="a",
    )
    page = answer.text

    assert answer.status_code == 422
    for name, said in {
        "name": "use 1 to 200 characters",
        "schedule.cron.expression": "out of range",
        "schedule.cron.timezone": "write Europe/Moscow",
        "target.http.url": "write an absolute URL",
        "target.http.headers": "has no : ; write NAME: value",
        "retry.attempts": "has to be a whole number",
        "timeout": "is not a duration",
        "notify.0.after": "at least 1",
        "labels": "has no =",
    }.items():
        assert said in fault_of(page, name), name
        assert re.search(rf'id="{re.escape(name)}"[^>]*aria-invalid="true"', page), name
    assert 'value="many"' in page
    assert "no sign</textarea>" in page
    assert page.count("<details open>") == 5
    check_page(page)
    assert json_of(world.get("/v1/jobs"))["items"] == []


def test_what_the_executor_refuses_is_said_beside_its_field_too(world: World) -> None:
    """A name that is taken, a job that is not there, an instant that has passed."""
    world.add(NIGHTLY)
    page = visit(world, NEW)

    taken = send(world, NEW, page, name="nightly", target__http__url="https://example.com/")
    assert taken.status_code == 422
    other = send(
        world,
        NEW,
        page,
        name="nightly",
        target__http__url="https://example.com/",
        schedule__kind="none",
    )
    assert other.status_code == 409
    assert "another job has this name" in fault_of(other.text, "name")
    world.executor.faults = [
        Fault("schedule.at", "is not later than now"),
        Fault("after.jobs.0", "there is no job `nobody`"),
        Fault("nothing.known", "is wrong"),
    ]
    past = send(
        world,
        NEW,
        page,
        name="late",
        target__http__url="https://example.com/",
        schedule__kind="once",
        schedule__once__at="2030-01-01T00:00:00Z",
        after__jobs="nobody",
    )
    assert past.status_code == 422
    assert "is not later than now" in fault_of(past.text, "schedule.once.at")
    assert "nobody" in fault_of(past.text, "after.jobs")
    assert "nothing.known : is wrong" in words(past.text)


def test_without_an_executor_nothing_that_was_written_is_lost(world: World) -> None:
    """The form comes back, with what is the matter and when to try again."""
    world.executor.away = NoExecutor("nobody executes")

    answer = send(world, NEW, visit(world, f"{NEW}?template=health"), name="kept")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Nobody executes." in words(answer.text)
    assert 'value="kept"' in answer.text


def test_a_change_that_is_not_answered_in_time_is_not_called_done(world: World) -> None:
    """It is accepted, which is what the page says."""
    job = world.add(NIGHTLY)
    page = visit(world, edit_of(job))
    world.executor.silent = True

    made = send(world, NEW, visit(world, f"{NEW}?template=health"))
    assert made.headers["Location"] == "/ui/jobs"
    assert "Accepted, but" in read(world, "/ui/jobs")
    send(world, edit_of(job), page, owner="ops")
    assert "Accepted, but" in read(world, f"/ui/jobs/{job['id']}")


def test_the_form_is_told_in_words_while_it_is_written(world: World) -> None:
    """When it fires, what may surprise, and what is wrong; of what is still empty nothing."""
    page = visit(world, NEW)
    assert 'hx-post="/ui/jobs/new"' in page

    told = send(
        world,
        NEW,
        page,
        part=True,
        schedule__cron__expression="30 2 31 * *",
        schedule__cron__timezone="Europe/Berlin",
        timeout="soon",
    )

    shown = words(told.text)
    assert "<html" not in told.text
    assert "At 02:30 AM, on day 31 of the month, Europe/Berlin" in shown
    assert "2026-12-31 02:30:00 CET" in shown
    assert "A run may take : 'soon' is not a duration" in shown
    assert "URL" not in shown.partition("As JSON")[0]
    assert '"expression": "30 2 31 * *"' in told.text.replace("&#34;", '"')


def test_without_a_script_there_is_a_button_for_the_preview(world: World) -> None:
    """It says all that is wrong, saves nothing and keeps what was written."""
    page = visit(world, NEW)
    assert '<noscript><button name="do" value="preview">Preview</button></noscript>' in page

    shown = send(world, NEW, page, do="preview", name="x", schedule__cron__expression="@daily")

    assert shown.status_code == 200
    assert "At 12:00 AM" in words(shown.text)
    assert "is required" in fault_of(shown.text, "target.http.url")
    assert json_of(world.get("/v1/jobs"))["items"] == []


def test_the_definition_is_shown_as_others_write_it(world: World) -> None:
    """JSON, YAML and a command: without what is as by default, and with the revision of an edit."""
    job = world.add(NIGHTLY, timeout="PT5M")

    shown = words(visit(world, edit_of(job)))

    assert "name: nightly target: kind: http url: https://example.com/" in shown
    assert "timeout: PT5M" in shown
    assert "keep_runs" not in shown
    assert f"curl -X PUT -H 'If-Match: \"1\"' http://localhost/v1/jobs/{job['id']}" in shown


def test_rows_are_added_and_removed(world: World) -> None:
    """An empty one is always there; one without its key is none."""
    for name in ("ops", "dev"):
        world.send("PUT", f"/v1/channels/{name}", {"kind": "webhook", "url": "https://e.example/"})
    job = world.add(NIGHTLY, notify=[{"channel": "ops", "on": ["lost"], "after": 2}])
    page = visit(world, edit_of(job))
    assert {"notify.0.channel", "notify.1.channel"} <= Fields(page).names
    assert '<option value="dev">' in page

    more = send(world, edit_of(job), page, do="more.notify", notify__1__channel="dev")
    assert "notify.3.channel" in Fields(more.text).names
    send(world, edit_of(job), more.text, notify__0__channel="")

    [rule] = json_of(world.get("/v1/jobs/nightly"))["notify"]
    assert (rule["channel"], rule["on"]) == ("dev", ["failure", "recovery"])


def test_another_kind_begins_with_nothing_of_the_former_one(world: World) -> None:
    """And the former target is gone, as is a schedule that is taken away."""
    job = world.add(NIGHTLY)

    send(
        world,
        edit_of(job),
        visit(world, edit_of(job)),
        target__kind="command",
        target__command__command="echo hello",
        schedule__kind="none",
    )

    now = json_of(world.get("/v1/jobs/nightly"))
    assert (now["target"]["kind"], now["target"]["command"]) == ("command", "echo hello")
    assert now["schedule"] is None


def test_what_runs_for_ever_has_no_end_by_default(world: World) -> None:
    """The hour that other jobs have is not written into it by the form."""
    send(world, NEW, visit(world, f"{NEW}?template=daemon"))
    job = world.add(NIGHTLY)
    send(world, edit_of(job), visit(world, edit_of(job)), schedule__kind="continuous")

    for name in ("queue-worker", "nightly"):
        assert json_of(world.get(f"/v1/jobs/{name}"))["timeout"] == "P36525D", name


def test_saving_without_a_change_changes_nothing(world: World) -> None:
    """No revision is made for it."""
    job = world.add(NIGHTLY)

    answer = send(world, edit_of(job), visit(world, edit_of(job)))

    assert "Nothing was changed." in read(world, answer.headers["Location"])
    assert json_of(world.get("/v1/jobs/nightly"))["revision"] == 1


def test_an_edit_over_somebody_elses_change_is_refused_with_what_differs(world: World) -> None:
    """What was written is kept, the rest is as it is now; saving again is over that."""
    job = world.add(NIGHTLY, owner="a")
    page = visit(world, edit_of(job))
    world.send("PATCH", "/v1/jobs/nightly", {"timeout": "PT5M", "owner": "b"})

    refused = send(world, edit_of(job), page, owner="c", description="mine")

    assert refused.status_code == 412
    shown = words(refused.text)
    assert "Nothing was saved: the job was changed by local since you began." in shown
    assert "timeout: PT1H -> PT5M" in shown
    assert "this is yours" in fault_of(refused.text, "owner")
    assert json_of(world.get("/v1/jobs/nightly"))["owner"] == "b"
    check_page(refused.text)
    send(world, edit_of(job), refused.text)
    now = json_of(world.get("/v1/jobs/nightly"))
    assert (now["owner"], now["description"], now["timeout"]) == ("c", "mine", "PT5M")


def test_a_pause_meanwhile_stands_in_no_edits_way(world: World) -> None:
    """It is not of the definition."""
    job = world.add(NIGHTLY)
    page = visit(world, edit_of(job))
    world.post("/v1/jobs/nightly/pause", {"reason": "freeze"})

    assert send(world, edit_of(job), page, owner="ops").status_code == 303

    now = json_of(world.get("/v1/jobs/nightly"))
    assert (now["owner"], now["paused"]["reason"]) == ("ops", "freeze")


def test_an_edit_of_a_forgotten_revision_is_refused(world: World) -> None:
    """Nobody can tell what was changed."""
    job = world.add(NIGHTLY)
    page = visit(world, edit_of(job))

    for revision in ("99", "0", "x", ""):
        answer = send(world, edit_of(job), page, revision=revision, owner="ops")
        assert answer.status_code == 409, revision


def test_a_job_without_a_sound_record_cannot_be_edited(world: World) -> None:
    """The page says what to do instead, and the page of the job offers no editing."""
    job = world.add(PLAIN)
    world.store.break_job(str(job["id"]))

    assert "PUT it anew" in words(visit(world, edit_of(job), 409))
    assert "/edit" not in visit(world, f"/ui/jobs/{job['id']}")
    visit(world, "/ui/jobs/unknown/edit", 404)


def test_the_form_needs_the_scope_of_writing_and_a_page_of_ours() -> None:
    """Readers are not led to it; a page of another site cannot send it."""
    world = GuardedWorld()
    job = json_of(world.ask(ADMIN, "POST", "/v1/jobs", NIGHTLY))
    token = world.token("jobs:read", "runs:read")

    assert "/edit" not in world.ask(token, "GET", f"/ui/jobs/{job['id']}", Accept="text/html").text
    for address in (NEW, edit_of(job)):
        assert world.ask(token, "GET", address, Accept="text/html").status_code == 403
        assert world.ask(token, "POST", address, Accept="text/html").status_code == 403
    open_world = World()
    for headers in ({}, {**BROWSER, "Sec-Fetch-Site": "cross-site"}):
        assert open_world.client.post(NEW, data={"do": "save"}, headers=headers).status_code == 403


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_written_is_text_never_markup(world: World, what: str) -> None:
    """In a field, a fault or a view."""
    text = TEXTS[what]
    page = visit(world, NEW)

    shown = send(
        world, NEW, page, name=text, description=text, target__http__headers=text, after__jobs=text
    ).text

    harmless = send(world, NEW, page, name="x", description="x").text
    for tag in ("script", "img", "svg", "style", "iframe", "base", "meta"):
        assert shown.count(f"<{tag}") - harmless.count(f"<{tag}") in {0}, tag
    assert Fields(shown).names == Fields(harmless).names


def test_an_empty_form_is_told_and_refused_not_failed(world: World) -> None:
    """Whoever sends it, with nothing or with other names."""
    assert submit(world, NEW).status_code == 200
    assert submit(world, NEW, do="save").status_code == 422
    page = submit(world, NEW, do="save", **{"target.kind": "x"}).text
    assert "http" in fault_of(page, "target.kind")
