"""A policy with one exception, so that a test's own server can be the first stop."""

from executor.domain.address_policy import AddressPolicy


class OpenDoor:
    """Refuses what *policy* refuses, but for one address of this machine.

    Attributes:
        asked: the addresses that were judged, in order.
    """

    def __init__(
        self, address: str = "127.0.0.1", policy: AddressPolicy = AddressPolicy.PRIVATE
    ) -> None:
        self.address = address
        self.asked: list[str] = []
        self._policy = policy

    def refusal(self, address: str) -> str | None:
        self.asked.append(address)
        return None if address == self.address else self._policy.refusal(address)
