"""Channels: named places where people are told about their jobs.

:data:`Channel` is exactly the document of the API: a webhook, a mailbox or a Slack-compatible
webhook.

Rules
-----
1. Credentials are secrets: a password, and the address of a Slack webhook, which whoever has it
   may post to, have to be written as ``{{ secret.NAME }}``.  So a channel can be shown as it is.
2. Addresses and passwords are templates whose only values are secrets: a channel belongs to no
   run.  They are judged again when they are filled in, right before a delivery.
3. No password goes over a connection that is not encrypted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Union

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from executor.domain.errors import Fault, InvalidChannel
from executor.domain.faults import faults_of
from executor.domain.fields import CLOSED, JobName, Text
from executor.domain.named import Kind
from executor.domain.targets import Sign, check_header, check_secret_url
from executor.domain.template import check_only_secrets, secrets_in

#: An address as SMTP takes it; no more is asked, since the server has the last word.
_ADDRESS: Final = re.compile(r"[^\s@<>\x00-\x1f\x7f]+@[^\s@<>\x00-\x1f\x7f]+")

#: What a host may be called: a name, or an address with or without brackets.
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}", re.ASCII)

#: The usual ports of SMTP (RFC 8314, RFC 6409, RFC 5321).
_PORTS: Final = {"tls": 465, "starttls": 587, "none": 25}


def _credential(value: str) -> str:
    if value and not secrets_in(check_only_secrets(value)):
        raise ValueError("is a credential; PUT it to /v1/secrets and write `{{ secret.NAME }}`")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("is not the name or address of a host; the port has a field of its own")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not an address; write somebody@example.com")
    return value


_Url = Annotated[str, AfterValidator(check_secret_url), Field(max_length=8192)]
_Credential = Annotated[Text, AfterValidator(_credential), Field(max_length=1000)]
_Address = Annotated[Text, AfterValidator(_address), Field(max_length=320)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """Send the facts as JSON, by POST; any 2xx means that they have arrived."""

    __pydantic_config__ = CLOSED

    kind: Literal["webhook"] = "webhook"
    url: _Url
    authorization: Annotated[
        Text, AfterValidator(check_header), AfterValidator(_credential), Field(max_length=1000)
    ] = ""
    """The value of the Authorization header: `Bearer {{ secret.NAME }}`."""
    sign: Sign | None = None
    """Adds X-Solocron-Timestamp and X-Solocron-Signature, as for targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """Send a text to an incoming webhook of Slack, Mattermost, Rocket.Chat or their like."""

    __pydantic_config__ = CLOSED

    kind: Literal["slack"] = "slack"
    url: Annotated[_Url, AfterValidator(_credential)]
    """Whoever knows the address may post there, so it is a secret: `{{ secret.NAME }}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Send a mail over SMTP."""

    __pydantic_config__ = CLOSED

    kind: Literal["email"] = "email"
    host: Annotated[str, AfterValidator(_host)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Null for the usual one: 587, with `tls` 465, with `none` 25."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls`: from the first byte; `none` is for a relay that takes no password."""
    user: Annotated[Text, AfterValidator(check_only_secrets), Field(max_length=1000)] = ""
    password: _Credential = ""
    sender: Annotated[_Address, Field(alias="from")]
    to: Annotated[tuple[_Address, ...], Field(min_length=1, max_length=50)]

    @property
    def usual_port(self) -> int:
        """The port to connect to."""
        return self.port or _PORTS[self.security]


Channel = Annotated[
    Union[WebhookChannel, SlackChannel, EmailChannel],  # noqa: UP007
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class _Named:
    name: JobName = field()


CHANNEL: Final[TypeAdapter[Channel]] = TypeAdapter(Channel)
_NAME: Final = TypeAdapter(_Named)

_OBJECTS: Final = {
    # The union stands at the top: its tag is the first part of every place.
    ("webhook",): WebhookChannel,
    ("webhook", "sign"): Sign,
    ("slack",): SlackChannel,
    ("email",): EmailChannel,
}


def check_name(name: str) -> str:
    """Return *name* if a channel may be called so: what a job may be called.

    Raises:
        InvalidChannel: it may not.
    """
    try:
        return _NAME.validate_python({"name": name}).name
    except ValidationError as error:
        raise InvalidChannel(faults_of(error, {(): _Named})) from None


def channel_from_document(document: object) -> Channel:
    """Read the API's (and the store's) form of a channel.

    Raises:
        InvalidChannel: with every fault of the document.
    """
    try:
        channel = CHANNEL.validate_python(document)
    except ValidationError as error:
        raise InvalidChannel(faults_of(error, _OBJECTS)) from None
    if isinstance(channel, EmailChannel) and (faults := _mail_faults(channel)):
        raise InvalidChannel(faults)
    return channel


def channel_to_document(channel: Channel) -> dict[str, Any]:
    """Write the canonical form: every field present; JSON-ready, and without any credential."""
    document: dict[str, Any] = CHANNEL.dump_python(channel, mode="json", by_alias=True)
    return document


def secret_places(channel: Channel) -> Iterator[tuple[str, str]]:
    """Return where *channel* names secrets: a field, and the name, each once."""
    if isinstance(channel, EmailChannel):
        texts = [("user", channel.user), ("password", channel.password)]
    elif isinstance(channel, WebhookChannel):
        texts = [("url", channel.url), ("authorization", channel.authorization)]
        if channel.sign is not None:
            yield "sign.secret", channel.sign.secret
    else:
        texts = [("url", channel.url)]
    for where, text in texts:
        yield from ((where, name) for name in sorted(secrets_in(text)))


def _mail_faults(channel: EmailChannel) -> list[Fault]:
    faults = []
    if channel.password and not channel.user:
        faults.append(Fault("user", "is required with a password"))
    if channel.user and not channel.password:
        faults.append(Fault("password", "is required with a user: `{{ secret.NAME }}`"))
    if channel.password and channel.security == "none":
        words = "would send the password as it is; write `starttls` or `tls`"
        faults.append(Fault("security", words))
    return faults


def _stored_in(document: Mapping[str, Any]) -> Channel:
    check_name(document["id"])
    return channel_from_document(document["definition"])


CHANNELS: Final[Kind[Channel]] = Kind(
    word="channel",
    plural="channels",
    harm="nobody is told of anything over it",
    to_fields=lambda channel: {"definition": channel_to_document(channel)},
    from_fields=_stored_in,
)
