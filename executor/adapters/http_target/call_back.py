"""Services that go on with a run after they have answered, and call back about it.

The request tells such a service where, and by which token.  An answer ``202 Accepted``, whatever
it says, then means that the run goes on there; every other answer is judged as ever.
"""

from __future__ import annotations

from typing import Final

import pycurl

from executor.adapters.http_target.transfers import Ended
from executor.domain.callback import address_of
from executor.domain.targets import HttpTarget
from executor.ports.target import Work

#: The status by which a service says that it has taken the run on: RFC 9110, section 15.3.3.
_ACCEPTED: Final = 202


def call_back_headers(target: HttpTarget, work: Work, url: str | None) -> list[str]:
    """Return the header lines that tell where to call back; none if nobody is to.

    Raises:
        ValueError: the job counts on call-backs, and this service does not know its address.
    """
    if not target.callback:
        return []
    if url is None:
        raise ValueError("nobody could call back: SOLOCRON_URL is not set")
    return [
        f"X-Solocron-Callback: {address_of(url, work.run.id)}",
        f"X-Solocron-Token: {work.token}",
    ]


def goes_on(ended: Ended, target: HttpTarget) -> bool:
    """Whether the service goes on with the run."""
    complete = target.callback and ended.code == pycurl.E_OK
    return complete and ended.curl.getinfo(pycurl.RESPONSE_CODE) == _ACCEPTED
