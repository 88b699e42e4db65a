"""The logins of this user on this machine: ``logins.json`` in his configuration folder.

Rules
-----
1. Nobody else can read it: the folder has mode 0700, the file 0600, and a file that others can
   read is not used.
2. It is replaced as a whole, never written over: whoever reads it meanwhile reads the former one.
3. Refreshing holds a lock: providers give a new refresh token for each one, and take it for theft
   when one is used twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from executor.client.connection import NoAnswer
from executor.openid import FAILURES, Client, Refused, discover, post

#: Seconds before its end at which an access token is not used any more: a request takes its time.
MARGIN_S: Final = 30.0

#: Life of an access token of which the provider does not say how long it is, seconds.
UNSAID_S: Final = 300.0

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What is kept of a login.

    Attributes:
        url: of the service.
        client_id: as which the provider knows the command line.
        refresh_token: empty if there is none; then the login ends with the access token.
        expires_at: when the access token ends, seconds since 1970.
    """

    url: str
    issuer: str
    client_id: str
    access_token: str
    refresh_token: str
    expires_at: float

    def __repr__(self) -> str:
        """Show nothing that lets anybody in."""
        return f"Login(url={self.url!r}, issuer={self.issuer!r})"

    def is_fresh(self, now: float) -> bool:
        """Whether the access token can still be used at *now*, seconds since 1970."""
        return now < self.expires_at - MARGIN_S


def login_of(url: str, issuer: str, client_id: str, tokens: Mapping[str, Any], now: float) -> Login:
    """Return the login that *tokens*, an answer of the provider's token endpoint, make.

    Raises:
        NoAnswer: it holds no access token.
    """
    access, refresh = tokens.get("access_token"), tokens.get("refresh_token")
    if not isinstance(access, str):
        raise NoAnswer(f"{issuer} has sent no access token")
    life = tokens.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int | float):
        life = UNSAID_S
    return Login(
        url=url,
        issuer=issuer,
        client_id=client_id,
        access_token=access,
        refresh_token=refresh if isinstance(refresh, str) else "",
        expires_at=now + life,
    )


def usual_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of this user.  Source: XDG Base Directory Specification."""
    base = environ.get("XDG_CONFIG_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "solocron"


class Logins:
    """All of them; safe to use from several processes at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "logins.json"

    def find(self, url: str) -> Login | None:
        """Return the login at *url*, if there is one.

        Raises:
            NoAnswer: the file cannot be used; says what to do.
        """
        found = self._read().get(url)
        try:
            return None if found is None else Login(**found)
        except TypeError:
            raise self._unusable("holds something else") from None

    def keep(self, login: Login) -> None:
        """Keep *login* in the place of the former one at its service."""
        with self.locked():
            self.write(login.url, login)

    def forget(self, url: str) -> Login | None:
        """Remove the login at *url*; return it, if there was one."""
        with self.locked():
            login = self.find(url)
            if login is not None:
                self.write(url, None)
            return login

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing; not to be entered twice."""
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "logins.lock", os.O_RDWR | os.O_CREAT, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def write(self, url: str, login: Login | None) -> None:
        """Write the login at *url* (None: remove it); the caller holds the lock."""
        known = self._read()
        if login is None:
            known.pop(url, None)
        else:
            known[url] = asdict(login)
        fresh = self._file.with_suffix(".new")
        # One that a killed process has left; we hold the lock.
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)

    def _read(self) -> dict[str, Any]:
        try:
            with self._file.open(encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_mode & _OTHERS:
                    raise self._unusable(f"can be read by others; chmod 600 {self._file}")
                known = json.load(file)
        except FileNotFoundError:
            return {}
        except ValueError:
            raise self._unusable("is damaged") from None
        if not isinstance(known, dict):
            raise self._unusable("holds something else")
        return known

    def _unusable(self, why: str) -> NoAnswer:
        return NoAnswer(f"{self._file} {why}; or remove it, and run: solocron login")


class StoredLogin:
    """The access token of a login that is kept, renewed in time; any thread may ask for it.

    Args:
        now: seconds since 1970.
    """

    def __init__(self, logins: Logins, login: Login, now: Callable[[], float] = time.time) -> None:
        self._logins, self._login, self._now = logins, login, now
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Return an access token that counts for some time.

        Raises:
            NoAnswer: the login has ended, or the provider does not answer.
        """
        with self._lock:
            if not self._login.is_fresh(self._now()):
                with self._logins.locked():
                    self._login = self._renewed()
            return self._login.access_token

    def _renewed(self) -> Login:
        # Somebody else may have done it while we waited for the lock.
        login = self._logins.find(self._login.url) or self._login
        if login.is_fresh(self._now()):
            return login
        again = f"run: solocron login {login.url}"
        if not login.refresh_token:
            raise NoAnswer(f"your login at {login.url} has expired; {again}")
        began = self._now()
        try:
            tokens = _refreshed(login)
        except Refused as error:
            raise NoAnswer(f"your login at {login.url} has ended ({error}); {again}") from error
        except FAILURES as error:
            raise NoAnswer(f"{login.issuer} does not renew your login ({error})") from error
        kept = {"refresh_token": login.refresh_token, **tokens}
        renewed = login_of(login.url, login.issuer, login.client_id, kept, began)
        self._logins.write(login.url, renewed)
        return renewed


def _refreshed(login: Login) -> dict[str, Any]:
    provider = discover(login.issuer)
    if provider.token is None:
        raise ValueError("it names no https:// address of tokens")
    asked = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
    return post(provider.token, provider, Client(login.client_id), asked)


def revoke(login: Login) -> None:
    """Have the provider forget *login*, if it can be told; it ends by itself otherwise.

    Source: RFC 7009.
    """
    with suppress(*FAILURES, Refused):
        provider = discover(login.issuer)
        token = login.refresh_token or login.access_token
        if provider.revocation is not None:
            post(provider.revocation, provider, Client(login.client_id), {"token": token})
