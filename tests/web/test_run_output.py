"""GET /v1/runs/{run}/output."""

from executor.domain.run import Output
from tests.web.world import World, json_of, problem_of


def test_short_output_is_whole(world: World) -> None:
    """`complete` says that `head` is everything."""
    world.put_run("r1", output=Output(head="hello\n", size=6))

    assert json_of(world.get("/v1/runs/r1/output")) == {
        "run_id": "r1",
        "head": "hello\n",
        "tail": "",
        "size": 6,
        "complete": True,
    }


def test_long_output_has_a_head_and_a_tail(world: World) -> None:
    """What was dropped in the middle is not passed over in silence."""
    world.put_run("r1", output=Output(head="a", tail="z", size=1_000_000))

    output = json_of(world.get("/v1/runs/r1/output"))

    assert (output["complete"], output["size"]) == (False, 1_000_000)


def test_a_run_without_output_said_nothing(world: World) -> None:
    """It is empty, not missing."""
    world.put_run("r1")

    assert json_of(world.get("/v1/runs/r1/output"))["size"] == 0


def test_output_that_is_no_text_is_still_json(world: World) -> None:
    """Half a surrogate pair, as lenient decoding leaves it, does not spoil the answer."""
    world.put_run("r1", output=Output(head="\udc80\x00<script>", size=10))

    assert json_of(world.get("/v1/runs/r1/output"))["head"] == "\udc80\x00<script>"


def test_an_unknown_run_is_not_found(world: World) -> None:
    """404, as for the run itself."""
    problem_of(world.get("/v1/runs/r9/output"), 404)
