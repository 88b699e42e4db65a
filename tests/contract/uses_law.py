"""The law of which jobs use a calendar, a secret or a channel."""

from typing import Any

import pytest

from executor.domain.api_token import TOKENS
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.named import Kind
from executor.domain.secret import SECRETS
from executor.ports.store import JobFilter
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_job

#: A name with what JSON and patterns have to escape.
ODD = 'é."x" + 1'

#: Where a job can name a secret.
PLACES: dict[str, dict[str, Any]] = {
    "url": {"target": {"kind": "http", "url": "https://x.example/{{ secret.KEY }}"}},
    "header": {
        "target": {
            "kind": "http",
            "url": "https://x.example",
            "headers": {"X-A.b": "Bearer {{secret.KEY}}"},
        }
    },
    "signature": {
        "target": {"kind": "http", "url": "https://x.example", "sign": {"secret": "KEY"}}
    },
    "variable": {"target": {"kind": "command", "argv": ["a"], "env": {"A": "{{ secret.KEY }}"}}},
    "ping": {"ping": "https://ping.example/{{ secret.KEY }}"},
}


class UsesLaw(StoreWorkshop):
    """Who would miss it."""

    def _users(self, kind: Kind[Any], name: str, limit: int = 50, **which: Any) -> list[str]:
        found = self.readers.list_users(kind, name, JobFilter(**which), limit)
        return [job.name for job in found]

    def test_the_jobs_that_name_a_calendar_or_channel_are_found(self) -> None:
        """In the order of their names, to the letter, and no deleted one."""
        for kind, field in ((CALENDARS, "calendars"), (CHANNELS, "notify")):
            key = "name" if kind is CALENDARS else "channel"
            naming = {field: [{key: "other"}, {key: ODD}]}
            self.put_jobs(
                [
                    a_job(f"{field}-b", definition=naming),
                    a_job(f"{field}-a", definition=naming),
                    a_job(f"{field}-near", definition={field: [{key: f"{ODD}1"}]}),
                    a_job(f"{field}-gone", definition=naming, deleted=True),
                ]
            )

            assert self._users(kind, ODD) == [f"{field}-a", f"{field}-b"]
            assert self._users(kind, ODD, limit=1) == [f"{field}-a"]
            assert self._users(kind, "nobody's") == []

    @pytest.mark.parametrize("place", PLACES)
    def test_a_secret_is_found_wherever_a_job_names_it(self, place: str) -> None:
        """And nothing else that only looks like it."""
        near = {"target": {"kind": "http", "url": "https://x.example/{{ secret.KEYS }}"}}
        plain = {"description": "{{ secret.KEY }}", "tags": [AWKWARD]}
        self.put_jobs(
            [
                a_job("user", definition=PLACES[place]),
                a_job("near", definition=near),
                a_job("plain", definition=plain),
            ]
        )

        assert self._users(SECRETS, "KEY") == ["user"]

    def test_users_are_narrowed_as_jobs_are(self) -> None:
        """Whoever sees some jobs only sees no other user."""
        use = {"calendars": [{"name": "freeze"}]}
        self.put_jobs(
            [a_job("ours", definition={**use, "tags": ["a"]}), a_job("b", definition=use)]
        )

        assert self._users(CALENDARS, "freeze", tags=("a",)) == ["ours"]
        assert self._users(CALENDARS, "freeze", tags=()) == []

    def test_what_no_job_can_use_has_no_users(self) -> None:
        """A token lets callers in; it is no job's."""
        self.put_jobs([a_job("a")])

        assert self._users(TOKENS, "a") == []
