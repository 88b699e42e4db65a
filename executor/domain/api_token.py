"""API tokens: their form, and what is kept of them.

A token is a text that its holder sends with every request.  It is random, 256 bits, so a plain
SHA-256 of it cannot be reversed and is all that is stored: a slow hash protects what people
choose, not what a machine draws.

Rules
-----
1. ``slc_``, 43 digits and letters (the random number), 6 more (CRC-32 of all before): whatever
   scans texts for secrets finds ``slc_[0-9A-Za-z]{49}`` and can check the sum without asking
   anybody, and so can we before the store is asked.
2. No randomness here: whoever makes a token brings 32 random bytes.
3. A token is made and revoked, never changed.  It is a named resource (``named.py``); the record
   of a revoked one stays for a while, without digest or rights.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zlib import crc32

from executor.domain.access import Right, right_from_text
from executor.domain.errors import Fault, InvalidToken
from executor.domain.instant import from_text, to_text
from executor.domain.named import Broken, Kind, Stored

#: What every token begins with.
PREFIX: Final = "slc_"

#: Random bytes of a token.
RANDOM_BYTES: Final = 32

#: Life of a token for which nothing else is asked.
LIFETIME: Final = timedelta(days=90)

#: Rights of one token at most: more than there are scopes for every team of a large company.
MOST_SCOPES: Final = 100

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase

#: Digits to base 62: of 32 bytes, and of the sum.
_RANDOM_DIGITS: Final = 43
_SUM_DIGITS: Final = 6

_FORM: Final = re.compile(f"{PREFIX}[0-9A-Za-z]{{{_RANDOM_DIGITS + _SUM_DIGITS}}}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What is kept of a token.

    Attributes:
        digest: SHA-256 of the token, hexadecimal; empty if it is revoked.
        scopes: its rights, as they were written; empty if it is revoked.
        expires_at: from then on it is refused; None: never.
    """

    digest: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """What its holder may do."""
        return frozenset(map(right_from_text, self.scopes))

    def is_expired(self, now: datetime) -> bool:
        """Whether it is refused at *now* because of its age."""
        return self.expires_at is not None and self.expires_at <= now


#: What is kept of a token that is revoked: nothing that would let anybody in.
REVOKED: Final = ApiToken(digest="", scopes=())


def written(random: bytes) -> str:
    """Return the token made of 32 *random* bytes.

    >>> written(bytes(32))
    'slc_00000000000000000000000000000000000000000000ztfFZ'
    """
    assert len(random) == RANDOM_BYTES
    text = PREFIX + _to_base_62(int.from_bytes(random), _RANDOM_DIGITS)
    return text + _sum(text)


def is_well_formed(text: str) -> bool:
    """Whether *text* has the form of a token and its sum is right.

    >>> is_well_formed(written(bytes(32))), is_well_formed("slc_" + 49 * "0")
    (True, False)
    """
    return _FORM.fullmatch(text) is not None and _sum(text[:-_SUM_DIGITS]) == text[-_SUM_DIGITS:]


def digest_of(text: str) -> str:
    """Return what is stored of a token."""
    return sha256(text.encode()).hexdigest()


def creation_arguments(
    text: str, scopes: Iterable[str], lifetime: timedelta | None, now: datetime
) -> dict[str, Any]:
    """Return the arguments of the command that lets in who holds the token *text*, from *now* on.

    Raises:
        InvalidToken: a scope is none, or the *lifetime* (None: for ever) ends beyond all time.
    """
    try:
        expires_at = None if lifetime is None else now + lifetime
    except OverflowError:
        fault = Fault("lifetime", "is too long; null means for ever")
        raise InvalidToken([fault]) from None
    return {
        "digest": digest_of(text),
        "scopes": list(check_scopes(scopes)),
        "expires_at": None if expires_at is None else to_text(expires_at),
    }


def check_name(name: str) -> str:
    """Return *name* if a token may be called so.

    Raises:
        InvalidToken: it may not.
    """
    if not _NAME.fullmatch(name):
        text = "use a letter or digit, then up to 99 letters, digits, `.`, `_` or `-`"
        raise InvalidToken([Fault("name", text)])
    return name


def check_digest(digest: object) -> str:
    """Return *digest* if it is one.

    Raises:
        InvalidToken: it is not.
    """
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InvalidToken([Fault("digest", "is not a SHA-256 in hexadecimal")])
    return digest


def check_scopes(scopes: object) -> tuple[str, ...]:
    """Return *scopes*, without repetitions, if every one is a right.

    Raises:
        InvalidToken: with a fault for each that is none.
    """
    if not isinstance(scopes, Iterable) or isinstance(scopes, str | bytes | dict):
        raise InvalidToken([Fault("scopes", "is required: a list of texts")])
    given = list(scopes)
    if not 1 <= len(given) <= MOST_SCOPES:
        raise InvalidToken([Fault("scopes", f"must have 1 to {MOST_SCOPES} entries")])
    faults = []
    for index, text in enumerate(given):
        try:
            right_from_text(text if isinstance(text, str) else repr(text))
        except ValueError as error:
            faults.append(Fault(f"scopes.{index}", str(error)))
    if faults:
        raise InvalidToken(faults)
    return tuple(dict.fromkeys(given))


def check_expiry(text: object) -> datetime | None:
    """Read when a token expires, as RFC 3339 (None: never).

    Raises:
        InvalidToken: it is no instant.
    """
    if text is None:
        return None
    try:
        return from_text(str(text))
    except ValueError as error:
        raise InvalidToken([Fault("expires_at", str(error))]) from None


def token_from_arguments(arguments: Mapping[str, Any]) -> ApiToken:
    """Read what :func:`creation_arguments` wrote, as commands and records hold it.

    Raises:
        InvalidToken: it cannot be read.
    """
    return ApiToken(
        digest=check_digest(arguments.get("digest")),
        scopes=check_scopes(arguments.get("scopes")),
        expires_at=check_expiry(arguments.get("expires_at")),
    )


def _sum(text: str) -> str:
    return _to_base_62(crc32(text.encode()), _SUM_DIGITS)


def _to_base_62(number: int, digits: int) -> str:
    found = []
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        found.append(_DIGITS[digit])
    return "".join(reversed(found))


def _stored_in(document: Mapping[str, Any]) -> ApiToken:
    check_name(document["id"])
    return REVOKED if document["deleted"] else token_from_arguments(document)


def _fields_of(token: ApiToken) -> dict[str, Any]:
    if not token.digest:
        return {}
    expires_at = token.expires_at and to_text(token.expires_at)
    return {"digest": token.digest, "scopes": list(token.scopes), "expires_at": expires_at}


TOKENS: Final[Kind[ApiToken]] = Kind(
    word="token",
    plural="tokens",
    harm="nobody is let in by it",
    to_fields=_fields_of,
    from_fields=_stored_in,
)


def token_document(
    token: Stored[ApiToken] | Broken, uses: Mapping[str, datetime], now: datetime
) -> dict[str, Any]:
    """Return the API's form of *token*."""
    if isinstance(token, Broken):
        return {"name": token.name, "state": "broken", "error": token.error}
    used_at = uses.get(token.name)
    return {
        "name": token.name,
        "state": "expired" if token.value.is_expired(now) else "active",
        "scopes": [str(right_from_text(text)) for text in token.value.scopes],
        "created_at": to_text(token.updated_at),
        "created_by": token.last_command.actor if token.last_command else "",
        "expires_at": _text(token.value.expires_at),
        # An earlier token of this name may have been used before this one was made.
        "last_used_at": _text(used_at if used_at and used_at >= token.updated_at else None),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
