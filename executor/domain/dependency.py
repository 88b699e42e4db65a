"""Jobs that depend on jobs: no circles."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def find_cycle(start: str, dependencies: Callable[[str], Iterable[str]]) -> list[str]:
    """Return a way from *start* along *dependencies* back to it, both ends included; else [].

    Takes time in proportion to what *start* depends on, however often the ways meet.

    >>> find_cycle("a", {"a": ["b", "c"], "b": [], "c": ["a"]}.__getitem__)
    ['a', 'c', 'a']
    """
    way = [start]
    ahead = [iter(dependencies(start))]
    seen = {start}
    while ahead:
        following = next(ahead[-1], None)
        if following is None:
            ahead.pop()
            way.pop()
        elif following == start:
            return [*way, start]
        elif following not in seen:
            seen.add(following)
            way.append(following)
            ahead.append(iter(dependencies(following)))
    return []
