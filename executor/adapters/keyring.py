"""Sealing with AES-256-GCM: the keys of this installation, newest first.

Rules
-----
1. A sealed text is ``v1:<key id>:<base64 of nonce, ciphertext and tag>``.  The nonce has 96
   random bits, so that one key may seal some billions of values.
2. The secret's name is authenticated with it: a sealed text moved under another name does not
   open.
3. The key's id is the beginning of a digest of the key.  So a text sealed with another key is
   told from a damaged one, and nothing about the key follows from its id.
4. The first key seals; all of them open.  To change keys, make the former one the old key and
   put every secret once more.

Source: NIST SP 800-38D, sections 8.2.2 and 8.3 (random nonces).
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from executor.domain.errors import SecretUnreadable
from executor.domain.redaction import Redaction
from executor.ports.keys import KeyAge

#: Bytes of a nonce: what the mode of operation is made for.
_NONCE: Final = 12

_FORM: Final = "v1"


class Keyring:
    """A :class:`~executor.ports.keys.Sealer` and :class:`~executor.ports.keys.Opener`.

    Args:
        keys: 32 bytes each; at least one, the newest first.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._newest = _id_of(keys[0])
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}

    def seal(self, name: str, value: str) -> str:
        """Return *value* sealed as that of the secret *name*; another text each time."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._newest].encrypt(nonce, value.encode(), name.encode())
        return f"{_FORM}:{self._newest}:{b64encode(nonce + sealed).decode()}"

    def key_of(self, sealed: str) -> KeyAge:
        """Return which key *sealed* says that it was sealed with."""
        key = sealed.split(":")[1] if sealed.startswith(f"{_FORM}:") else ""
        if key == self._newest:
            return "current"
        return "former" if key in self._ciphers else "unknown"

    def redaction(self, sealed: Mapping[str, str]) -> Redaction:
        """Return what replaces the values of these secrets, given sealed and by name."""
        return Redaction({name: self.open(name, text) for name, text in sealed.items()})

    def open(self, name: str, sealed: str) -> str:
        """Return what was sealed as the value of the secret *name*.

        Raises:
            SecretUnreadable: no key for it, or it is damaged.
        """
        form, _, rest = sealed.partition(":")
        key, _, text = rest.partition(":")
        if form != _FORM:
            raise SecretUnreadable(name, f"its form {form[:10]!r} is not known to this version")
        cipher = self._ciphers.get(key)
        if cipher is None:
            here = ", ".join(self._ciphers)
            raise SecretUnreadable(
                name,
                f"it was sealed with the key {key[:8]}, and here is {here}; set that key as "
                "SOLOCRON_SECRET_KEY_OLD, or put the secret again",
            )
        try:
            data = b64decode(text, validate=True)
            return cipher.decrypt(data[:_NONCE], data[_NONCE:], name.encode()).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(name, "its record is damaged; put the secret again") from None


def _id_of(key: bytes) -> str:
    return sha256(b"solocron secret key id" + key).hexdigest()[:8]
