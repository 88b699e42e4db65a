"""The law of sessions: browsers that are signed in."""

from datetime import datetime

from executor.domain.session import Session
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import noon


def a_session(mark: str, expires_at: datetime, **facts: object) -> Session:
    about = {"actor": "oidc:alice", "scopes": ("jobs:read", "runs:write#a"), "token": "", **facts}
    return Session(digest=mark * 64, expires_at=expires_at, **about)  # type: ignore[arg-type]


class SessionLaw(StoreWorkshop):
    """Opening, finding, closing and purging."""

    def test_a_session_is_found_as_it_was_opened(self) -> None:
        """By any client, with rights or with a token; an unknown one is not there."""
        granted = a_session("a", noon(1))
        by_token = a_session("b", noon(2), actor="token:ci", scopes=(), token="f" * 64)
        self.store.open_sessions([granted, by_token])
        self.store.open_sessions([])

        assert self.readers.find_session("a" * 64) == granted
        assert self.readers.find_session("b" * 64) == by_token
        assert self.readers.find_session("c" * 64) is None

    def test_a_session_that_is_opened_again_stays_as_it_was(self) -> None:
        """A command that is carried out twice prolongs nothing."""
        session = a_session("a", noon(1))
        self.store.open_sessions([session])
        self.another_store().open_sessions([a_session("a", noon(9), actor="oidc:eve")])

        assert self.readers.find_session("a" * 64) == session

    def test_a_closed_session_is_gone(self) -> None:
        """Those of others stay; to close one that is not there is nothing."""
        kept = a_session("b", noon(1))
        self.store.open_sessions([a_session("a", noon(1)), kept])
        self.store.close_sessions(["a" * 64, "c" * 64])
        self.store.close_sessions([])

        assert self.readers.find_session("a" * 64) is None
        assert self.readers.find_session("b" * 64) == kept

    def test_expired_sessions_are_purged_and_no_others(self) -> None:
        """From the very instant at which they end."""
        later = a_session("b", noon(2))
        self.store.open_sessions([a_session("a", noon(1)), later])
        self.store.purge_sessions(noon(1))

        assert self.readers.find_session("a" * 64) is None
        assert self.readers.find_session("b" * 64) == later
