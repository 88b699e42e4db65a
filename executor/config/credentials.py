"""Addresses that carry passwords: checked, found in service bindings, and masked.

Rules
-----
1. No message of this module repeats what it was given: a broken URL holds a password
   as well as a sound one does.
2. Masking never relies on the URL being well formed.  Passwords with a raw ``/``, ``@``
   or ``#`` in them are mistakes that people make, and they must not reach a log.
3. A binding is recognised by the scheme of its URI; label, name and tags only decide
   between several.  User-provided services have no tags, and marketplace labels rarely
   name what they sell.

Source of the document's form: docs.cloudfoundry.org, "VCAP_SERVICES", and the reference
pages of the RabbitMQ tiles.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from executor.domain.errors import Fault

#: What stands in place of a secret.
MASK: Final = "***"

#: Keys of a binding's credentials that hold a URI or a list of them, best first.
_URI_KEYS: Final = ("uri", "url", "uris", "urls", "connection_string", "connectionString")

#: The comma between two URLs of a list.
_LIST: Final = re.compile(r",(?=\w+://)")
_PASSWORD: Final = re.compile(r"://([^:@]*):(.*)@", re.DOTALL)
_SECRET_OPTION: Final = re.compile(
    r"([?&;][^=&;]*(?:password|secret|token|authmechanismproperties)[^=&;]*=)[^&;]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server.

    Attributes:
        schemes: that its URLs begin with.
        words: that bindings use for it.
        example: a sound URL.
        listed: whether several URLs, one for each node, may stand in a row with commas
            between them; if not, one URL may name several hosts.
    """

    title: str
    schemes: tuple[str, ...]
    words: tuple[str, ...]
    example: str
    listed: bool


RABBITMQ: Final = Server(
    "RabbitMQ",
    ("amqp", "amqps"),
    ("rabbit", "amqp"),
    "amqps://user:password@host:5671/vhost",
    listed=True,
)
MONGODB: Final = Server(
    "MongoDB",
    ("mongodb", "mongodb+srv"),
    ("mongo", "atlas"),
    "mongodb://user:password@host:27017/solocron",
    listed=False,
)


def public_url(text: str) -> str:
    """Return the address of this service without a slash at its end.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValueError(f"{text!r} is not an address; write https://solocron.example.com")
    return text.rstrip("/")


def mask_url(url: str) -> str:
    """Return *url* without its password and without the options that are secrets.

    >>> mask_url("amqps://solocron:pa/ss@rabbit.example:5671/vhost")
    'amqps://solocron:***@rabbit.example:5671/vhost'
    """
    masked = [_PASSWORD.sub(rf"://\1:{MASK}@", part) for part in _LIST.split(url)]
    return _SECRET_OPTION.sub(rf"\1{MASK}", ",".join(masked))


def check_url(text: str, server: Server) -> str:
    """Return *text* if it can be the address of such a *server*.

    Raises:
        ValueError: it cannot; says what to write and does not repeat *text*.
    """
    for part in text.split(",") if server.listed else [text]:
        _check_one(part, server)
    return text


def _check_one(url: str, server: Server) -> None:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in server.schemes:
        begins = " or ".join(f"{scheme}://" for scheme in server.schemes)
        raise ValueError(f"must begin with {begins}; write {server.example}")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("contains white space or control characters; percent-encode them")
    address = rest.partition("?")[0]
    authority = address.partition("/")[0]
    if "#" in url or address.count("@") > 1 or ("@" in address and "@" not in authority):
        raise ValueError("percent-encode / @ : and # in user and password (%2F %40 %3A %23)")
    hosts = authority.rpartition("@")[2]
    if not all(map(_is_host, hosts.split(","))):
        raise ValueError(f"names no host, or a port that is no number; write {server.example}")


def _is_host(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def ca_file(text: str) -> Path:
    """Read the path of a file with the authorities that vouch for a server.

    Raises:
        ValueError: it cannot be read, or holds no certificates.
    """
    path = Path(text).expanduser()
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"{text!r} holds no certificates; write them there as PEM text") from None
    except OSError as error:
        raise ValueError(f"{text!r} cannot be read: {error.strerror}") from None
    return path


def ca_fault(url: str | None) -> Iterator[Fault]:
    """Tell what makes authorities useless that are given for the broker at *url*."""
    name = "SOLOCRON_RABBITMQ_CA"
    if url is None:
        yield Fault(name, "is set, but RABBITMQ_URL is not; set both, or remove it")
    elif not all(part.lower().startswith("amqps://") for part in _LIST.split(url)):
        yield Fault(name, "has no effect on amqp://, which is not encrypted; write amqps:// URLs")
    elif "ssl_options=" in url:
        yield Fault(name, "is set, but the broker's URL has ssl_options; remove one of them")


@dataclass(frozen=True, slots=True)
class Binding:
    """A service bound to this application: its name, all it says of itself, and its URIs."""

    name: str
    words: str
    uris: tuple[str, ...]


def read_bindings(text: str) -> tuple[Binding, ...]:
    """Read the document that Cloud Foundry keeps in ``VCAP_SERVICES``.

    Raises:
        ValueError: it is not JSON of that form; the message does not repeat it.
    """
    try:
        document = json.loads(text)
        return tuple(_binding(label, entry) for label in document for entry in document[label])
    except (ValueError, TypeError, AttributeError, LookupError):
        raise ValueError(
            "is not a document of service bindings; "
            'write {"label": [{"name": "...", "credentials": {"uri": "..."}}]}'
        ) from None


def _binding(label: str, entry: Mapping[str, Any]) -> Binding:
    name = str(entry.get("name") or entry.get("instance_name") or label)
    words = " ".join(map(str, (label, name, *(entry.get("tags") or ())))).lower()
    return Binding(name, words, tuple(_uris(entry.get("credentials") or {})))


def _uris(credentials: Mapping[str, Any]) -> Iterator[str]:
    for key in _URI_KEYS:
        value = credentials.get(key)
        candidates = value if isinstance(value, list) else [value]
        yield from (candidate for candidate in candidates if isinstance(candidate, str))
    for protocol in (credentials.get("protocols") or {}).values():
        yield from _uris(protocol)


def choose_binding(bindings: Collection[Binding], server: Server) -> tuple[str, str] | None:
    """Return name and address of the one binding to such a *server*, or None if there is none.

    Raises:
        ValueError: several fit, and their names, labels and tags do not single one out.
    """
    found = [(binding, url) for binding in bindings if (url := _address(binding, server))]
    named = [pair for pair in found if any(word in pair[0].words for word in server.words)]
    choice = named or found
    if len(choice) > 1:
        names = ", ".join(binding.name for binding, _ in choice)
        raise ValueError(f"holds {len(choice)} {server.title} services ({names})")
    return (choice[0][0].name, choice[0][1]) if choice else None


def _address(binding: Binding, server: Server) -> str:
    """Return the best URI of *binding* for *server*, with those of its other nodes if listed."""
    fitting = [u for u in binding.uris if u.partition("://")[0].lower() in server.schemes]
    if not server.listed:
        return next(iter(fitting), "")
    nodes: dict[str, str] = {}
    for uri in fitting:
        # The same node may be there again for another protocol, or with its port.
        if uri.partition("://")[0] == fitting[0].partition("://")[0]:
            nodes.setdefault(uri.rpartition("@")[2].partition("/")[0].partition(":")[0], uri)
    return ",".join(nodes.values())
