"""GET /v1/runs/{run}/output?follow=1: what a run says, while it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from executor.domain.live_output import OutputChunk
from executor.domain.run import Output, RunChange, RunState
from tests.fakes.paced_followers import PLACES
from tests.web.world import World, faults_of, problem_of
from web.following import LONGEST_S
from web.streams import EventStream, PlainText

URL = "/v1/runs/r1/output?follow=1"

EVENTS = {"Accept": "text/event-stream"}


class Speaker:
    """A run that goes on, and says what the test wants."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard = 0
        world.put_run("r1", state=RunState.RUNNING, started_at=world.clock.now())

    def say(self, text: str | bytes, at: int | None = None) -> None:
        """Let a chunk be kept, behind the last one unless elsewhere."""
        data = text.encode() if isinstance(text, str) else text
        offset = self.heard if at is None else at
        self.world.store.keep_output([OutputChunk("r1", offset, data)])
        self.heard = offset + len(data)

    def end(self, output: Output | None = None, state: RunState = RunState.SUCCEEDED) -> None:
        """Let the run be over."""
        change = RunChange(
            run_id="r1",
            term=self.world.executor.term,
            state=state,
            finished_at=self.world.clock.now(),
            output=output,
            error=None if state is RunState.SUCCEEDED else "exit status 3",
        )
        self.world.store.change_runs([change])

    def then(self, *happenings: Any) -> None:
        """Plan what happens while it is followed: a text is said, the rest is called."""
        for one in happenings:
            step = (lambda text=one: self.say(text)) if isinstance(one, str | bytes) else one
            self.world.followers.plan.append(step)


@pytest.fixture
def speaker(world: World) -> Speaker:
    """Return the run r1, which goes on."""
    return Speaker(world)


def events(response: TestResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, id and data of each event."""
    for block in response.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if "data" in fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])


def test_what_is_said_arrives_until_the_end(world: World, speaker: Speaker) -> None:
    """As text, each byte once, and then how it ended."""
    speaker.say("one\n")
    whole = Output(head="one\ntwo\nthree\n", size=14)
    speaker.then("two\n", lambda: None, "three\n", lambda: speaker.end(whole))

    response = world.get(URL)

    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text == "one\ntwo\nthree\n[solocron: the run is over: succeeded]\n"


def test_a_chunk_that_grows_is_sent_once(world: World, speaker: Speaker) -> None:
    """Only what was added to it follows."""
    speaker.say("a")
    speaker.then(lambda: speaker.say("ab", at=0), lambda: speaker.say("abc\n", at=0))
    speaker.then(lambda: speaker.end(Output(head="abc\n", size=4)))

    assert world.get(URL).text.startswith("abc\n[")


def test_following_begins_at_an_offset(world: World, speaker: Speaker) -> None:
    """Of a run that goes on, and of one that is over."""
    speaker.say("0123456789")
    speaker.then(lambda: speaker.end(Output(head="0123456789", size=10)))

    going_on = world.get(f"{URL}&offset=4").text
    over = world.get(f"{URL}&offset=4").text

    assert going_on == over == "456789\n[solocron: the run is over: succeeded]\n"
    assert world.get(f"{URL}&offset=99").text == "[solocron: the run is over: succeeded]\n"


def test_a_run_that_is_over_is_told_at_once(world: World) -> None:
    """From its row; nobody rests."""
    world.put_run("r1", output=Output(head="hello\n", size=6))

    assert world.get(URL).text == "hello\n[solocron: the run is over: succeeded]\n"
    assert world.followers.rests == []


def test_a_run_that_said_nothing_is_over_as_well(world: World, speaker: Speaker) -> None:
    """And why it failed is said in words."""
    speaker.then(lambda: speaker.end(state=RunState.FAILED))

    assert world.get(URL).text == "[solocron: the run is over: failed (exit status 3)]\n"


def test_what_is_missing_is_said_in_words(world: World, speaker: Speaker) -> None:
    """On a line of its own, with how much it is."""
    speaker.say("begin")
    speaker.then(lambda: speaker.say("end\n", at=2005), speaker.end)

    assert world.get(URL).text.splitlines()[:3] == [
        "begin",
        "[solocron: 2,000 bytes are missing here]",
        "end",
    ]


def test_the_beginning_and_the_end_come_from_the_row(world: World, speaker: Speaker) -> None:
    """Of a run that said too much the chunks in between are there for a while."""
    speaker.say("middle", at=100)
    speaker.end(Output(head="head", tail="tail\n", size=1005))
    world.clock.advance(3)

    assert world.get(URL).text.splitlines() == [
        "head",
        "[solocron: 96 bytes are missing here]",
        "middle",
        "[solocron: 894 bytes are missing here]",
        "tail",
        "[solocron: the run is over: succeeded]",
    ]


def test_a_last_piece_that_is_late_is_waited_for(world: World, speaker: Speaker) -> None:
    """The end is recorded on another way than what was said last."""
    speaker.then("a" * 100, lambda: speaker.end(Output(head="a", tail="b", size=200)))
    speaker.then("b" * 100)

    assert world.get(URL).text.startswith("a" * 100 + "b" * 100 + "\n[solocron: the run is over")


def test_a_last_piece_that_does_not_come_is_not_waited_for_long(
    world: World, speaker: Speaker
) -> None:
    """Then the row's end has to do."""
    speaker.then("a" * 100, lambda: speaker.end(Output(head="a", tail="b\n", size=200)))

    assert world.get(URL).text.splitlines()[1:3] == ["[solocron: 98 bytes are missing here]", "b"]
    assert sum(world.followers.rests) < 6


def test_a_lost_run_is_told_as_far_as_it_was_heard(world: World, speaker: Speaker) -> None:
    """Its executor died: there is no output in its row."""
    speaker.say("as far as that\n")
    speaker.then(lambda: speaker.end(state=RunState.LOST))

    assert world.get(URL).text.splitlines() == [
        "as far as that",
        "[solocron: the run is over: lost (exit status 3)]",
    ]


def test_characters_are_sent_whole(world: World, speaker: Speaker) -> None:
    """However the bytes were cut; bytes that are no text show as such."""
    speaker.say("ä€".encode()[:3])
    speaker.then("ä€".encode()[3:], b"\xff", lambda: speaker.end(Output(head="ä€\ufffd", size=6)))

    response = world.get(URL, headers=EVENTS)

    assert [(one, data.get("text")) for _, one, data in events(response)] == [
        ("2", "ä"),
        ("5", "€"),
        ("6", "\ufffd"),
        ("end", None),
    ]


def test_half_a_character_at_a_gap_is_left_out(world: World, speaker: Speaker) -> None:
    """No sign appears that the run did not say; an offset may lie within one, too."""
    speaker.say("€ü".encode()[:4])
    speaker.then(lambda: speaker.say("ü€\n".encode()[1:], at=50), speaker.end)

    assert world.get(f"{URL}&offset=1").text.splitlines()[:3] == [
        "[solocron: 46 bytes are missing here]",
        "€",
        "[solocron: the run is over: succeeded]",
    ]


def test_browsers_get_events(world: World, speaker: Speaker) -> None:
    """With the offset as their id; the last one says how the run ended."""
    speaker.say("a\r\nb")
    speaker.then(lambda: speaker.say("c", at=10))
    speaker.then(lambda: speaker.end(Output(head="x", size=11), RunState.FAILED))

    response = world.get(URL, headers=EVENTS)

    assert response.content_type == "text/event-stream; charset=utf-8"
    assert response.text.startswith("retry: 1000\n\nevent: output\nid: 4\n")
    assert list(events(response)) == [
        ("output", "4", {"text": "a\r\nb"}),
        ("gap", "10", {"from": 4, "to": 10}),
        ("output", "11", {"text": "c"}),
        (
            "end",
            "end",
            {
                "offset": 11,
                "state": "failed",
                "reason": None,
                "exit_code": None,
                "error": "exit status 3",
            },
        ),
    ]


def test_a_browser_goes_on_where_it_was(world: World) -> None:
    """Its header counts, not the address, which is still the first one."""
    world.put_run("r1", output=Output(head="0123456789", size=10))

    response = world.get(f"{URL}&offset=2", headers={**EVENTS, "Last-Event-ID": "7"})

    assert next(events(response)) == ("output", "10", {"text": "789"})


def test_a_browser_that_has_seen_the_end_is_told_to_stop(world: World, speaker: Speaker) -> None:
    """204 is how; otherwise it would come again and again."""
    response = world.get(URL, headers={**EVENTS, "Last-Event-ID": "end"})

    assert (response.status_code, response.data) == (204, b"")


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("follow=1&offset=-1", {}, "offset"),
        ("follow=1&offset=1.5", {}, "offset"),
        ("follow=1&offset=" + "9" * 16, {}, "offset"),
        ("follow=yes", {}, "follow"),
        ("offset=3", {}, "offset"),
        ("follow=1", {"Last-Event-ID": "x"}, "Last-Event-ID"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    world: World, speaker: Speaker, query: str, headers: dict[str, str], field: str
) -> None:
    """400, with the field and what to write instead."""
    assert set(faults_of(world.get(f"/v1/runs/r1/output?{query}", headers=headers), 400)) == {field}


def test_an_unknown_run_cannot_be_followed(world: World) -> None:
    """404 at once, and its place is free again."""
    for _ in range(PLACES + 1):
        problem_of(world.get(URL), 404)


def test_there_are_only_so_many_places(world: World, speaker: Speaker) -> None:
    """Beyond: 503 and when to try again; without following it can be read all the same."""
    places = [world.followers.take_place() for _ in range(PLACES)]
    response = world.get(URL)

    assert "3 outputs are being followed" in problem_of(response, 503)["detail"]
    assert response.headers["Retry-After"]
    assert world.get("/v1/runs/r1/output").status_code == 200

    assert places[0] is not None
    places[0].close()
    speaker.end()
    assert world.get(URL).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_place_is_free_when_the_answer_is_over(
    world: World, speaker: Speaker, method: str
) -> None:
    """However it ended, even if nothing of it was read."""
    for _ in range(PLACES + 1):
        response = world.client.open(URL, method=method, buffered=False)
        assert response.status_code == 200
        response.close()


def test_following_ends_after_a_while(world: World, speaker: Speaker) -> None:
    """And says with which offset to go on; a browser does so by itself."""
    speaker.say("hello")
    began = world.clock.monotonic()

    assert world.get(URL).text.endswith("[solocron: it goes on; follow it further with offset=5]\n")
    assert world.clock.monotonic() - began == pytest.approx(LONGEST_S, abs=3)
    assert world.get(URL, headers=EVENTS).text.endswith("id: 5\n\n")


def test_all_are_sent_away_when_web_stops(world: World, speaker: Speaker) -> None:
    """At once; they go on at another instance."""
    speaker.then("one", world.followers.dismiss, "two")

    assert "offset=3]" in world.get(URL).text
    assert len(world.followers.rests) == 2


@pytest.mark.parametrize(
    ("headers", "alive_s", "sign"),
    [
        ({}, PlainText.alive_s, "[solocron: nothing for"),
        (EVENTS, EventStream.alive_s, ": it goes on\n"),
    ],
)
def test_silence_is_broken_before_a_proxy_hangs_up(
    world: World, speaker: Speaker, headers: dict[str, str], alive_s: float, sign: str
) -> None:
    """Once in a while, and the store is asked less often meanwhile."""
    text = world.get(URL, headers=headers).text

    assert text.count(sign) == pytest.approx(LONGEST_S / alive_s, rel=0.2)
    assert len(world.followers.rests) < LONGEST_S / 1.9


def test_a_store_that_does_not_answer_is_waited_for(world: World, speaker: Speaker) -> None:
    """As if the run were silent."""

    def set_down(down: bool) -> None:
        world.store.down = down

    speaker.then("one\n", lambda: set_down(True), lambda: None, lambda: set_down(False), "two\n")
    speaker.then(lambda: speaker.end(Output(head="one\ntwo\n", size=8)))

    assert world.get(URL).text.startswith("one\ntwo\n[solocron: the run is over: succ")


def test_a_run_whose_row_is_removed_is_over(world: World, speaker: Speaker) -> None:
    """Retention or the deletion of its job took it."""
    speaker.then("one\n", lambda: world.store.remove_run("r1"))

    assert world.get(URL).text == "one\n[solocron: the run is over, and its record removed]\n"


def test_without_following_what_is_there_so_far_is_shown(world: World, speaker: Speaker) -> None:
    """Whole if it is short; else its beginning and its end."""
    url = "/v1/runs/r1/output"
    assert world.get(url).get_json()["size"] == 0
    speaker.say("hello")
    assert world.get(url).get_json() == {
        "run_id": "r1",
        "head": "hello",
        "tail": "",
        "size": 5,
        "complete": True,
    }

    speaker.say("b" * 60_000, at=200_000)
    output = world.get(url).get_json()
    assert (output["head"], output["tail"]) == ("hello", "b" * 32_768)
    assert (output["size"], output["complete"]) == (260_000, False)
