"""Ten thousand jobs: what lists and the page cost does not depend on their number."""

import statistics
import time

import pytest

from executor.domain.job import Job, definition_from_document
from tests.web.world import World

#: As many jobs as the service promises to be quick with.
MANY = 10_000

#: Longest usual answer, seconds.
LIMIT_S = 0.2


@pytest.fixture(scope="module")
def crowd() -> World:
    """Return a world with :data:`MANY` jobs and a run of each."""
    world = World()
    now = world.clock.now()
    for number in range(MANY):
        schedule = f"{number % 60} {number % 24} * * *"
        document = {
            "name": f"job-{number:05}",
            "target": {"kind": "http", "url": f"https://example.com/{number}"},
            "schedule": schedule,
        }
        definition = definition_from_document(document)
        job = Job(
            id=f"{number:032x}",
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_fire_at=now,
        )
        # Not by write_jobs: the memory store looks through all names for each.
        world.store._jobs[job.id] = job
        world.put_run(f"r{number:05}", job_id=job.id, job=job.name, fire_at=now, started_at=now)
    return world


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/ui/jobs?q=job-09",
        "/ui/jobs",
        "/ui/jobs/new",
        "/v1/jobs",
        "/v1/jobs?limit=1000",
        "/v1/jobs?q=99&limit=100",
        "/v1/runs",
        "/v1/runs?limit=1000",
        "/v1/status",
    ],
)
def test_answers_stay_quick(crowd: World, url: str) -> None:
    """The usual request takes less than 200 ms of processor time, the store's part included.

    Processor time and the middle of several, so that a busy machine does not fail the test.
    """
    crowd.get(url)
    taken = []
    for _ in range(9):
        start = time.process_time()
        response = crowd.get(url)
        taken.append(time.process_time() - start)
        assert response.status_code == 200

    assert statistics.median(taken) < LIMIT_S


def test_the_page_stays_small(crowd: World) -> None:
    """It never carries more than one part of the list."""
    response = crowd.get("/")

    assert "10,000" in response.text
    assert len(response.data) < 150_000
