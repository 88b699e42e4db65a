"""Which addresses an application has: read once in a process, however many it makes.

A service makes one application; its tests make thousands, and to read the same hundred and forty
addresses again was most of what each of them cost.  What is made of an address does not depend on
who answers there: so applications of one kind share the map of their addresses, and each has
functions of its own that answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

from flask import Flask
from werkzeug.routing import Map, Rule

#: The maps that are complete, by the kind of the applications that share them.
_MAPS: Final[dict[Hashable, Map]] = {}


class QuickRule(Rule):
    """A rule that compiles what builds its address when one is first built, which most never are.

    Two functions a rule are else four fifths of the time that an application takes to come up.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_it = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_it(append_unknown))
            return compiled[0](rule, **values)

        return build


class Application(Flask):
    """An application that has the addresses of all others of its kind, and not one more.

    Args:
        kind: what tells which addresses it has.
    """

    url_rule_class = QuickRule
    _known: Map | None = None

    def __init__(self, kind: Hashable) -> None:
        super().__init__("web", static_folder="static", template_folder="templates")
        # A repeated slash is a wrong address, not one to be guessed at by a redirect.
        self.url_map.merge_slashes = False
        self._kind = kind
        self._known = _MAPS.get(kind)
        if self._known is not None:
            self.url_map = self._known

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Have *view_func* answer at *rule*, which is read unless it is known."""
        if self._known is None:
            super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        else:
            assert endpoint is not None
            assert view_func is not None
            self.view_functions[endpoint] = view_func

    def complete(self) -> None:
        """Share the addresses: there will be no others."""
        _MAPS.setdefault(self._kind, self.url_map)
