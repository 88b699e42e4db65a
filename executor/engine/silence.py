"""Says when the store falls silent on something, and when it answers again: each once."""

from __future__ import annotations

from math import inf

from executor.engine.desk import Desk


class Silence:
    """One kind of silence, as an operator reads of it.

    Attributes:
        sentence: what it means, for the log and for the list of instances.
        lasts: whether it was last said to have begun.
    """

    def __init__(self, desk: Desk, begun: str, sentence: str, over: str, relief: str) -> None:
        self._desk = desk
        self._begun = begun
        self.sentence = sentence
        self._over = over
        self._relief = relief
        self.lasts = False

    def mind(self, since: float, term: int | None) -> None:
        """Say so if it has begun (*since* is not infinity) or is over."""
        silent = since != inf
        if silent and not self.lasts:
            self._desk.note(self._begun, self.sentence, "WARNING", term=term)
        elif self.lasts and not silent:
            self._desk.note(self._over, self._relief, term=term)
        self.lasts = silent
