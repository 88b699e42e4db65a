"""What every tier may ask for: the shared servers, and names of its own on them.

The servers start when the first test asks for them and are shared by all test
processes of a run (see ``tests/servers/find.py``).  They are stopped when the
run ends and not in a fixture, whose time counts as the last test's.
"""

import gc
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from importlib import import_module
from pathlib import Path

import hypothesis
import pymongo
import pytest

from tests.servers import ServerFailedError, ServerMissingError, find

# How long one example takes says more of the machine than of the program.
hypothesis.settings.register_profile("solocron", deadline=None)
hypothesis.settings.load_profile("solocron")

#: Tests with these markers run only when asked for with -m.
ON_REQUEST = ("long", "bench")


#: Objects made beyond those that went, after which the collector looks for rings of them.  With
#: Python's own number, 700, that is a tenth of the processor time of tests; these need megabytes.
GARBAGE = 20_000


#: Tests that wait for servers and programs most of their time.
SLOW = ("failover", "browser", "conformance")

#: Tests that do nothing but compute, for minutes.
BUSY = ("simulation",)


def pytest_collection(session: pytest.Session) -> None:
    """Let each of several workers compile another part of the tests first.

    In a fresh copy pytest has to rewrite every file of tests, which takes longer than all else
    that collects them.  Each worker would do so with every file, because all go through them in
    one order; so each begins elsewhere, and finds done what the others have begun with.
    """
    config = session.config
    given = getattr(config, "workerinput", {})
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or not given:
        return
    tests = Path(__file__).parent
    files = sorted(tests.rglob("test_*.py"))
    first = len(files) * int(given["workerid"].removeprefix("gw")) // given["workercount"]
    for file in files[first:] + files[:first]:
        # What cannot be imported is told of when its turn has come.
        with suppress(Exception):
            import_module(".".join(file.with_suffix("").relative_to(tests.parent).parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs only on request; among several workers, begin with what takes long."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = _spread(items, workers)
    if config.option.markexpr:
        return
    left_out = [item for item in items if any(item.get_closest_marker(m) for m in ON_REQUEST)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return *items* so that every worker's share begins with what takes long, file by file.

    pytest-xdist gives each worker a stretch of the list, and those who are done take from the ends
    of others': whatever is slow and stands there keeps everybody else waiting.  The first worker
    begins with what computes, the others with what waits, so that the processors have something
    to do meanwhile.
    """
    tests = Path(__file__).parent
    files: dict[Path, list[pytest.Item]] = {}
    busy: list[pytest.Item] = []
    quick: list[pytest.Item] = []
    for item in items:
        tier = item.path.relative_to(tests).parts[0]
        if tier in SLOW:
            files.setdefault(item.path, []).append(item)
        else:
            (busy if tier in BUSY else quick).append(item)
    shares: list[list[pytest.Item]] = [busy, *([] for _ in range(workers - 1))]
    for number, file in enumerate(sorted(files, key=lambda path: (len(files[path]), path))):
        shares[1 + number % (workers - 1)] += files[file]
    each = len(items) // workers
    for share in shares:
        missing = max(each - len(share), 0)
        share += quick[:missing]
        del quick[:missing]
    return [item for share in shares for item in share] + quick


def _share(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[], AbstractContextManager[str]],
) -> str:
    folder: Path = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        # Of all workers of pytest-xdist: its own is a folder inside.
        folder = folder.parent
    stack = ExitStack()
    request.config.add_cleanup(stack.close)
    try:
        return stack.enter_context(find.shared(folder, name, make))
    except (ServerMissingError, ServerFailedError) as error:
        problem = str(error)
    pytest.fail(problem, pytrace=False)


@pytest.fixture(scope="session")
def rabbitmq_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a RabbitMQ that tests share: use names that start with *queue_prefix*."""
    return _share(request, tmp_path_factory, "rabbitmq", find.rabbitmq)


@pytest.fixture(scope="session")
def mongodb_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a MongoDB that tests share, without a database."""
    return _share(request, tmp_path_factory, "mongodb", find.mongodb)


@pytest.fixture
def mongodb_database_uri(mongodb_uri: str) -> Iterator[str]:
    """The URI of a database that only this test uses; dropped afterwards."""
    database = f"solocron_test_{uuid.uuid4().hex}"
    yield find.with_database(mongodb_uri, database)
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(database)


@pytest.fixture
def queue_prefix() -> str:
    """The beginning of queue names that only this test uses."""
    return f"test-{uuid.uuid4().hex}"


def pytest_collection_finish() -> None:
    """Let the collector pass over what is there for the whole run, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)
