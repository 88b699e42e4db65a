"""GET /healthz and /readyz."""

from tests.web.world import World, faults_of, json_of


def test_healthz_asks_nobody(world: World) -> None:
    """A process that answers is healthy, whatever it depends on."""
    world.store.down = True
    world.executor.connection = "away"

    response = world.get("/healthz")

    assert (response.status_code, json_of(response)) == (200, {"status": "ok"})


def test_readyz_is_ok_when_both_answer(world: World) -> None:
    """200 lets a load balancer send requests here."""
    assert json_of(world.get("/readyz")) == {"status": "ready"}


def test_readyz_names_the_store(world: World) -> None:
    """503 while the store does not answer."""
    world.store.down = True

    assert faults_of(world.get("/readyz"), 503) == {"store": "the store is down"}


def test_readyz_names_the_broker(world: World) -> None:
    """503 while the broker is not connected."""
    world.executor.connection = "connection refused"

    assert faults_of(world.get("/readyz"), 503) == {"broker": "connection refused"}


def test_readyz_names_both(world: World) -> None:
    """Both faults are shown at once."""
    world.store.down = True
    world.executor.connection = "connection refused"

    assert set(faults_of(world.get("/readyz"), 503)) == {"store", "broker"}
