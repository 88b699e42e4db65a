"""What a damaged record may do: nothing, but to itself.

Every field of one record of each kind is taken away, and made something of another type, while
web reads what the real store holds.  Whatever is read answers, and whoever goes through a list,
part by part, meets the record beside it.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from executor.adapters.keyring import Keyring
from executor.domain.api_token import TOKENS
from executor.domain.audit import Change
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.declared import CodeOrigin
from executor.domain.job import Pause
from executor.domain.named import NamedWrite
from executor.domain.run import Output, Run, RunState
from executor.domain.secret import SECRETS
from executor.domain.writes import Instance
from executor.ports.readers import JobFilter, JobOrder
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import (
    NOON,
    a_calendar,
    a_change,
    a_channel,
    a_claim,
    a_job,
    a_last_run,
    a_notification,
    a_ping,
    a_secret,
    a_token,
    made_by,
    noon,
    slot,
)
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.paced_followers import PacedFollowers
from tests.web.fake_executor import FakeExecutor
from web.app import Services, create_app

#: A field that is not there.
ABSENT: Final = object()

#: What a field is made: nothing of it fits where a text, a number, an instant or an object stands.
WRONG: Final = (ABSENT, None, 7, "x", {"x": 1})

#: Where in a record something is.
Path = tuple[str | int, ...]

#: The key of the damaged record of each kind; of two revisions it is the later one.
BAD: Final = {
    "jobs": "job-bad",
    "job_revisions": "job-bad",
    "runs": "bad",
    "audit": "bad",
    "calendars": "bad",
    "channels": "bad",
    "secrets": "BAD",
    "tokens": "bad",
    "token_uses": "bad",
    "outbox": "bad",
    "instances": "bad",
}

#: Lists that come in parts, and by which field the record beside the damaged one is known.
LISTS: Final[Mapping[str, tuple[tuple[str, str, object], ...]]] = {
    "job_revisions": (("/v1/jobs/job-bad/revisions", "revision", 1),),
    "runs": (("/v1/runs", "id", "good"), ("/v1/jobs/job-bad/runs", "id", "good")),
    "audit": (("/v1/audit", "revision", 3),),
    "outbox": (("/v1/notifications", "id", "good"),),
}

#: What else shows records of a kind.
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": ("/", "/ui/jobs", "/ui/jobs/job-bad", "/v1/jobs", "/v1/load"),
    "job_revisions": ("/ui/jobs/job-bad", "/v1/jobs/job-bad/revisions/2"),
    "runs": ("/", "/ui/runs", "/ui/runs/bad", "/v1/runs/bad", "/ui/jobs/job-bad", "/jobs/bad"),
    "audit": ("/ui/audit",),
    "calendars": ("/v1/calendars", "/ui/calendars", "/ui/calendars/bad", "/v1/load"),
    "channels": ("/v1/channels", "/ui/channels", "/ui/channels/bad"),
    "secrets": ("/v1/secrets", "/ui/secrets", "/ui/secrets/BAD"),
    "tokens": ("/v1/tokens", "/ui/tokens"),
    "token_uses": ("/v1/tokens", "/ui/tokens"),
    "outbox": ("/ui/notifications", "/v1/notifications/bad", "/ui/channels"),
    "instances": ("/v1/status", "/", "/ui/workers"),
}

#: Those of them that name the record beside the damaged one.
NAMING: Final = frozenset(
    {
        *("/v1/jobs", "/ui/jobs", "/v1/status"),
        *("/v1/calendars", "/v1/channels", "/v1/secrets", "/v1/tokens"),
        *("/ui/calendars", "/ui/channels", "/ui/secrets", "/ui/tokens"),
    }
)


class DamageLaw(StoreWorkshop):
    """For the stores that keep records of which somebody else may make something else.

    Attributes:
        wrong: what each field is made.
        depth: how far down fields are damaged: to those of a definition, which is then taken or
            refused as a whole.
    """

    wrong: Sequence[object] = WRONG
    depth: int

    def record(self, table: str, key: str) -> dict[str, Any]:
        """Return a record as the store keeps it, but for its key."""
        raise NotImplementedError

    def put_record(self, table: str, key: str, record: Mapping[str, Any]) -> bool:
        """Have the store keep *record* instead; False if it refuses to keep such a one."""
        raise NotImplementedError

    @pytest.mark.parametrize("table", sorted(BAD))
    def test_a_damaged_record_takes_no_list_and_no_page_down(self, table: str) -> None:
        """Whatever is wrong with a field: each answers, and shows what is sound."""
        self._populate()
        client, key = self._client(), BAD[table]
        sound = self.record(table, key)
        for path in paths(sound, self.depth):
            for wrong in self.wrong:
                if self.put_record(table, key, damaged(sound, path, wrong)):
                    self._look(client, table, f"{path} made {wrong!r}")
        assert self.put_record(table, key, sound)

    def _look(self, client: FlaskClient, table: str, damage: str) -> None:
        for place in PLACES[table]:
            headers = {"Accept": "application/json" if "/v1/" in place else "text/html"}
            answer = client.get(place, headers=headers)
            assert answer.status_code < 500, f"{damage}: {place}: {answer.text}"
            assert place not in NAMING or "good" in answer.text.lower(), f"{damage}: {place}"
        for place, field, good in LISTS.get(table, ()):
            found = [one.get(field) for one in gone_through(client, place)]
            assert good in found, f"{damage}: {place}"
        for order in JobOrder if table == "jobs" else ():
            assert "good" in self._jobs_in(order), f"{damage}: {order}"

    def _jobs_in(self, order: JobOrder) -> list[str]:
        """Return the names of all jobs in *order*, asked for one by one."""
        names, cursor = [], None
        for _ in range(MOST):
            page = self.readers.list_jobs(JobFilter(), 1, cursor, order)
            names += [job.name for job in page.items]
            cursor = page.next
            if cursor is None:
                return names
        raise AssertionError(f"jobs in the order of {order} have no end")

    def _client(self) -> FlaskClient:
        clock = FakeClock(NOON)
        services = Services(
            readers=self.readers,
            sender=FakeExecutor(MemoryStore(clock), clock),
            clock=clock,
            command_timeout_s=5,
            instance_id="web-1",
            version="1.2.3",
            followers=PacedFollowers(clock),
            sealer=Keyring([b"k" * 32]),
        )
        return create_app(services).test_client()

    def _populate(self) -> None:
        """Keep two records of each kind, with something in every field."""
        self.store.mint_term("executor-1")
        for number, name in enumerate(("good", "bad")):
            self._put_job(name)
            self.put_run(a_full_run(name, number))
            self.store.append_changes([a_full_change(name, number)])
            self._put_named(name)
            self.store.note_token_uses({name: NOON})
            self.store.beat(an_instance(name))
        notes = [a_notification("good"), a_notification("bad", created_at=noon(1), last_error="e")]
        self.store.add_notifications([*notes, a_ping("ping")])

    def _put_named(self, name: str) -> None:
        token = a_token(name, digest=name[0] * 64, expires_at=noon(3_600))
        secret = a_secret(name.upper(), last_command=made_by("c"))
        writes: list[NamedWrite[Any]] = [
            NamedWrite(CALENDARS, a_calendar(name, last_command=made_by("c")), None),
            NamedWrite(CHANNELS, a_channel(name, last_command=made_by("c")), None),
            NamedWrite(SECRETS, secret, None),
            NamedWrite(TOKENS, token, None),
        ]
        assert [self.store.write_named(write) for write in writes] == [None] * len(writes)

    def _put_job(self, name: str) -> None:
        job = a_job(
            name,
            definition=FULL,
            revision=3,
            next_fire_at=noon(3_600),
            paused=Pause(since=NOON, reason="r", by="me", until=noon(7_200)),
            last_run=a_last_run("good"),
            last_command=made_by("c"),
            code=CodeOrigin(module="m", digest="d", present=True),
            ping_key=f"key-{name}",
        )
        self.put_job(job)
        former = [a_job(name, revision=number, last_command=made_by("c")) for number in (1, 2)]
        self.store.archive_jobs(former)


#: More than there are records of any kind.
MOST: Final = 10

#: A definition with something of each kind of field.
FULL: Final = {
    "description": "d",
    "owner": "o",
    "tags": ["t"],
    "labels": {"a": "b"},
    "schedule": "30 2 * * *",
    "target": {"kind": "http", "url": "https://example.com/", "headers": {"A": "b"}},
    "retry": {"attempts": 2},
    "lock": "l",
    "after": {"jobs": ["other"]},
    "on_failure": "other",
    "calendars": [{"name": "good"}],
    "notify": [{"on": ["failure"], "channel": "good"}],
}


def a_full_run(name: str, number: int) -> Run:
    """Return a run that has ended, with something in every field."""
    return a_claim(
        name,
        slot(number),
        job_id="job-bad",
        job="bad",
        created_at=noon(number),
        state=RunState.FAILED,
        started_at=noon(1),
        finished_at=noon(2),
        executor="executor-1",
        exit_code=1,
        http_status=500,
        retry_after=1,
        error="e",
        details={"progress": {"done": 1, "total": 2, "message": "m"}},
        output=Output(head="h", tail="t", size=200_000),
        attempt=2,
        retriggers=1,
        trigger_id="first",
        command_id="c",
        parent_run_id="p",
        parent_job_id="q",
        revision=2,
        lease_until=noon(3),
        covers=2,
        covers_from=slot(-1),
        due_at=noon(),
        since=noon(),
    )


def a_full_change(name: str, number: int) -> Change:
    """Return an entry of the audit about a revision of a job."""
    return a_change(
        name,
        at=noon(number),
        job_id="job-bad",
        run_id="bad",
        revision=3 - number,
        after={"a": {"b": 1}},
    )


def an_instance(name: str) -> Instance:
    """Return a process that is seen now."""
    return Instance(
        id=name,
        host="host",
        version="1.2.3",
        role="standby",
        seen_at=NOON,
        detail="d",
        tzdata="2026a",
        reports={"taken": 1},
    )


def paths(value: Any, depth: int, at: Path = ()) -> Iterator[Path]:
    """Yield the place of every field and item in *value*, down to *depth*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*at, name)
        if isinstance(one, dict | list) and depth > 1:
            yield from paths(one, depth - 1, (*at, name))


def damaged(record: Mapping[str, Any], path: Path, wrong: object) -> dict[str, Any]:
    """Return a copy of *record* in which something is *wrong* at *path*."""
    changed = dict(copy.deepcopy(record))
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    if wrong is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(wrong)
    return changed


def gone_through(client: FlaskClient, place: str) -> list[dict[str, Any]]:
    """Return what a list holds, asked for one by one."""
    mark, found, cursor = "&" if "?" in place else "?", [], ""
    for _ in range(MOST):
        answer = client.get(f"{place}{mark}limit=1{cursor}")
        assert answer.status_code == 200, f"{place}: {answer.text}"
        part = answer.get_json()
        found += part["items"]
        if part["next"] is None:
            return found
        cursor = f"&cursor={part['next']}"
    raise AssertionError(f"{place} has no end")
