"""The user that a program runs as: found, and checked against what the service may do.

Looked up anew for each run, on the machine that runs it: users come and go, and another
instance may know others.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from executor.domain.errors import Fault, InvalidJob


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, other than the service's own.

    Attributes:
        groups: numbers of all groups, the primary one (``gid``) included.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def account_of(user: str | None) -> Account | None:
    """Return the account of *user* (name or number), or None if it is the service's own.

    Raises:
        InvalidJob: there is no such user here, or the service cannot become it.
    """
    if user is None:
        return None
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        message = f"there is no user {user!r} on this machine; add it, or name another one"
        raise InvalidJob([Fault("target.user", message)]) from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        message = (
            f"the service runs as user {os.geteuid()} and cannot become {user!r}; "
            "leave it out, or run the service as root"
        )
        raise InvalidJob([Fault("target.user", message)])
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)
