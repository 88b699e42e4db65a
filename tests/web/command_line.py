"""The command line, given to an instance that serves."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from executor.cli import main


def solocron(url: str, *arguments: object, **how: Any) -> Result:
    """Run a command, told the address by the environment; no proxy stands in between."""
    environ = {"SOLOCRON_URL": url, "http_proxy": "http://127.0.0.1:9", **how.pop("env", {})}
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environ, **how)
