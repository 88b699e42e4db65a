"""What callers who are refused are told is in the README."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from web.refusals import EXAMPLES

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_reason_for_a_401() -> None:
    """In the words of the answer."""
    text = README.read_text(encoding="utf-8")

    details = [one["value"]["detail"] for one in EXAMPLES[HTTPStatus.UNAUTHORIZED].values()]
    reasons = [detail.removesuffix("; send another token") for detail in details]
    assert [reason for reason in reasons if reason not in text] == []
