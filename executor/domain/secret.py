"""Secrets: named values that targets may use and nobody can read back.

A secret is sealed (encrypted) by the web process that takes it, and opened by the launcher that
fills in a template with it.  In between, in commands, in the store and in the engine, there is
only its sealed form: a text that names the key it was sealed with.

Rules
-----
1. What is short cannot be kept out of an output sensibly: :data:`SHORTEST` characters at least.
2. A value must be able to stand in an environment variable: no NUL, and no half characters.
3. A deleted secret's sealed value is gone; its name and revision stay until they are purged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from executor.domain.errors import Fault, InvalidSecret
from executor.domain.named import Kind
from executor.domain.template import SECRET_NAME

#: Characters of a value, without white space around it.  Three letters are part of many words,
#: and an output in which they are blackened says what they are.
SHORTEST: Final = 4

#: Characters of a value: every key and certificate chain fits, and so does a variable of a
#: program's environment (Linux: 128 KB each).
LONGEST: Final = 32_768

#: A sealed value: the version of its form, the id of its key, and bytes in base64.
_SEALED: Final = re.compile(r"v1:[0-9a-f]{8}:[A-Za-z0-9+/]{40,200000}={0,2}", re.ASCII)


def check_name(name: str) -> str:
    """Return *name* if a secret may be called so.

    Raises:
        InvalidSecret: it may not.
    """
    if not SECRET_NAME.fullmatch(name):
        text = "use a letter or `_`, then up to 99 letters, digits, `_` or `-`"
        raise InvalidSecret([Fault("name", text)])
    return name


def check_value(value: object) -> str:
    """Return *value* if it can be kept as a secret; no message repeats it.

    Raises:
        InvalidSecret: it cannot.
    """
    text = ""
    if not isinstance(value, str):
        text = "is required: a string"
    elif len(value.strip()) < SHORTEST:
        text = f"has fewer than {SHORTEST} characters, too few to be kept out of outputs"
    elif len(value) > LONGEST:
        text = f"is longer than {LONGEST:,} characters"
    elif "\x00" in value:
        text = "must not contain the NUL character"
    if text or not isinstance(value, str):
        raise InvalidSecret([Fault("value", text)])
    return value


def check_sealed(sealed: object) -> str:
    """Return *sealed* if it has the form of a sealed value.

    Raises:
        InvalidSecret: it has not; what was sent is not from a Solocron that this one understands.
    """
    if not isinstance(sealed, str) or not _SEALED.fullmatch(sealed):
        raise InvalidSecret([Fault("value", "is not sealed as this version of Solocron does")])
    return sealed


def _sealed_in(document: Mapping[str, Any]) -> str:
    check_name(document["id"])
    return "" if document["deleted"] else check_sealed(document.get("sealed"))


#: A resource's value is the sealed one, empty if it is deleted.
SECRETS: Final[Kind[str]] = Kind(
    word="secret",
    plural="secrets",
    harm="runs that need it fail",
    to_fields=lambda sealed: {"sealed": sealed} if sealed else {},
    from_fields=_sealed_in,
)
