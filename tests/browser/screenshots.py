"""The README's screenshots: a service with lively demo data, looked at with headless Chromium.

    python -m tests.browser.screenshots deploy/screenshots
    python -m tests.browser.screenshots looks --look dark:1280 --look light:390 --page docs

Nothing here is a test; ``deploy/pictures`` runs it.  The history of the demo is written into the
store before the service starts, as a former executor would have left it; what runs now does run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import click
from playwright.sync_api import Browser, sync_playwright

from executor.adapters.sqlite import SqliteStore
from executor.domain.job import Job, LastRun, definition_from_document
from executor.domain.run import Cause, Output, Run, RunState
from executor.domain.schedule import fire_times, for_job, next_after
from executor.ports.store import JobWrite
from tests.failover.served import Served
from tests.waiting import eventually

#: Name, cron columns, what it says, usual seconds, failures in a hundred, owner, tags.
_JOBS = (
    ("backup-database", "15 * * * *", "dumped 48 tables, 1.2 GB", 41.0, 0, "platform", "night"),
    ("nightly-report", "30 2 * * *", "made the report: 1,204 rows", 12.0, 0, "finance", "night"),
    ("sync-inventory", "*/2 * * * *", "412 items, 3 changed", 3.4, 6, "shop", "prod"),
    ("send-reminders", "*/5 * * * *", "sent 17 mails", 1.8, 0, "crm", "prod"),
    ("rotate-logs", "0 * * * *", "kept 14 days", 0.6, 0, "platform", "housekeeping"),
    ("check-certificates", "*/10 * * * *", "38 hosts, all valid", 2.2, 0, "platform", "prod"),
    ("import-exchange-rates", "*/15 8-18 * * 1-5", "32 currencies", 0.9, 12, "finance", "prod"),
    ("warm-caches", "* * * * *", "ok", 0.3, 2, "shop", "prod"),
    ("invoice-run", "0 6 1 * *", "invoices: 318", 95.0, 0, "finance", "month"),
)

#: A job that is running while the pictures are taken; its output is on one of them.
_LIVE = "for i in $(seq 40); do echo chunk $i of 120: 25,000 rows; sleep 0.1; done; exec sleep 600"

#: Seconds that the demo may take to come up, on a machine with much else to do.
_PATIENCE_S = 120.0

#: How the README's pictures look, and which there are.
_README_LOOK = ("light:1280",)
_README = ("overview", "jobs", "job", "run")


def _definition(name: str, cron: str, says: str, owner: str, tag: str) -> Any:
    return definition_from_document(
        {
            "name": name,
            "description": "",
            "owner": owner,
            "tags": [tag],
            "schedule": {"kind": "cron", "expression": cron, "timezone": "Europe/Berlin"},
            "target": {"kind": "command", "argv": ["echo", says]},
            "retry": {"attempts": 1},
        }
    )


def _history(
    job: Job, now: datetime, says: str, usual_s: float, bad: int, dice: Random
) -> list[Run]:
    """Return what became of the job's latest fire times."""
    schedule = job.definition.schedule
    assert schedule is not None
    made = []
    for at in list(fire_times(for_job(schedule, job.id), now - timedelta(days=32), now))[-80:]:
        failed = dice.randrange(100) < bad
        started = at + timedelta(milliseconds=dice.randrange(2, 9))
        took = timedelta(seconds=usual_s * dice.uniform(0.8, 1.4))
        text = "connection refused: inventory.example:443\n" if failed else f"{says}\n"
        made.append(
            Run(
                id=f"{dice.getrandbits(128):032x}",
                job_id=job.id,
                job=job.name,
                cause=Cause.SCHEDULE,
                state=RunState.FAILED if failed else RunState.SUCCEEDED,
                term=1,
                clear_at=at,
                created_at=at,
                scheduled=True,
                fire_at=at,
                started_at=started,
                finished_at=min(started + took, now),
                exit_code=1 if failed else 0,
                error="exit status 1" if failed else None,
                executor="cron-a",
                revision=1,
                output=Output(head=text, size=len(text)),
            )
        )
    return made


def _fill(path: Path) -> None:
    dice, now = Random(7), datetime.now(UTC).replace(microsecond=0)
    with closing(SqliteStore(path)) as store:
        store.prepare()
        store.mint_term("cron-a")
        for number, (name, cron, says, usual_s, bad, owner, tag) in enumerate(_JOBS):
            definition = _definition(name, cron, says, owner, tag)
            job = Job(
                id=f"{number + 1:032x}",
                definition=definition,
                revision=1,
                created_at=now - timedelta(days=32),
                updated_at=now - timedelta(days=32),
            )
            runs = _history(job, now, says, usual_s, bad, dice)
            newest, schedule = runs[-1], definition.schedule
            assert schedule is not None
            assert newest.finished_at is not None
            last = LastRun(
                run_id=newest.id, state=newest.state.value, finished_at=newest.finished_at
            )
            due = next_after(for_job(schedule, job.id), now)
            store.write_jobs([JobWrite(replace(job, last_run=last, next_fire_at=due), None)])
            store.insert_runs(runs)


@contextmanager
def demo(folder: Path) -> Iterator[Served]:
    """Serve the demo: two instances, one running job, one paused, one that was changed."""
    data = folder / "data"
    data.mkdir()
    _fill(data / "solocron.db")
    with _instance(folder, data, "cron-a") as first:
        eventually(lambda: _executes(first), _PATIENCE_S, "the demo executes", ignoring=(OSError,))
        with _instance(folder, data, "cron-b"):
            _liven(first)
            yield first


def _instance(folder: Path, data: Path, name: str) -> Served:
    own = folder / name
    own.mkdir()
    return Served(own, settings={"SOLOCRON_DATA": str(data), "SOLOCRON_INSTANCE": name})


def _liven(place: Served) -> None:
    ask = place.request
    target = {"kind": "command", "argv": ["sh", "-c", _LIVE]}
    ask("POST", "/v1/jobs", {"name": "reindex-search", "owner": "shop", "target": target})
    ask("PATCH", "/v1/jobs/sync-inventory", {"retry": {"attempts": 3}, "timeout": "5m"})
    ask("POST", "/v1/jobs/invoice-run/pause", {"reason": "audit until Friday"})
    ask("POST", "/v1/jobs/reindex-search/trigger")

    def ready() -> bool:
        status = ask("GET", "/v1/status")[1]
        return len(status["instances"]) > 1 and bool(_running(place))

    eventually(ready, _PATIENCE_S, "the demo is lively", ignoring=(OSError,))


def _executes(place: Served) -> bool:
    status, document = place.request("GET", "/v1/status")
    return status == HTTPStatus.OK and document["state"] == "executing"


def _running(place: Served) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = place.request("GET", "/v1/runs?state=running")[1]["items"]
    return items


def _addresses(place: Served) -> dict[str, str]:
    """Return the pages by the names of their pictures."""
    job = place.request("GET", "/v1/jobs/sync-inventory")[1]["id"]
    now = datetime.now(UTC)
    begin, end = (f"{now - timedelta(days=days):%Y-%m-%dT00:00}" for days in (35, 31))
    stretch = f"from={begin}&to={end}"
    return {
        "overview": "/",
        "jobs": "/ui/jobs",
        "job": f"/ui/jobs/{job}",
        "run": f"/ui/runs/{_running(place)[0]['id']}",
        "runs": "/ui/runs",
        "backfill": f"/ui/jobs/{'2'.zfill(32)}/backfill?{stretch}",
        "docs": "/docs",
        "docs-jobs": "/docs/jobs",
        "docs-schema": "/docs/schemas/Definition",
    }


def _take(browser: Browser, place: Served, folder: Path, look: str, names: set[str]) -> None:
    scheme, _, width = look.partition(":")
    context = browser.new_context(
        base_url=place.url,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": int(width), "height": 800},
        timezone_id="Europe/Berlin",
    )
    page = context.new_page()
    for name, address in _addresses(place).items():
        if name in names:
            page.goto(address)
            page.wait_for_load_state("load")
            end = f"-{scheme}-{width}" if look not in _README_LOOK else ""
            page.screenshot(path=folder / f"{name}{end}.png")
    context.close()


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--look", "looks", multiple=True, default=_README_LOOK, help="As dark:390.")
@click.option("--page", "pages", multiple=True, default=_README, help="Name of a page.")
def main(folder: Path, looks: tuple[str, ...], pages: tuple[str, ...]) -> None:
    """Take pictures of the demo's pages into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    options = ["--no-sandbox", "--disable-dev-shm-usage"]
    with TemporaryDirectory() as temporary, demo(Path(temporary)) as place, sync_playwright() as it:
        browser = it.chromium.launch(executable_path=program, args=options)
        for look in looks:
            _take(browser, place, folder, look, set(pages))
        browser.close()
    for picture in sorted(folder.glob("*.png")):
        click.echo(f"{picture}  {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
