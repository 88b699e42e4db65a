"""The law of when API tokens were used; the tokens themselves are named resources."""

from executor.domain.api_token import TOKENS, ApiToken
from executor.domain.named import NamedWrite, Stored
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import a_token, noon


class TokenUseLaw(StoreWorkshop):
    """Noting, reading and purging uses."""

    def _put_tokens(self, *tokens: Stored[ApiToken]) -> None:
        for token in tokens:
            assert self.store.write_named(NamedWrite(TOKENS, token, None)) is None

    def test_the_last_use_of_a_token_never_goes_back(self) -> None:
        """Of several instances the latest word counts, in whatever order they come."""
        self._put_tokens(a_token("ci"), a_token("never"))
        self.store.note_token_uses({"ci": noon(5), "other": noon(1)})
        self.another_store().note_token_uses({"ci": noon(3)})
        self.store.note_token_uses({})

        assert self.readers.token_uses() == {"ci": noon(5), "other": noon(1)}

    def test_the_uses_of_a_token_go_with_it(self) -> None:
        """Once its record is purged; those of others stay."""
        self._put_tokens(a_token("here"), a_token("gone", deleted=True))
        self.store.note_token_uses({"here": noon(), "gone": noon()})

        self.store.purge_token_uses()
        assert set(self.readers.token_uses()) == {"here", "gone"}
        assert self.store.purge_named(TOKENS, noon(1)) == 1
        self.store.purge_token_uses()
        assert self.readers.token_uses() == {"here": noon()}
