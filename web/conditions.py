"""``If-Match``: changing a job or calendar only if it is still the one that was read.

The entity tag is the revision in quotes, as GET and every write answer it.
"""

from __future__ import annotations

import re
from typing import Final

from executor.domain.errors import Fault
from web.problems import bad_request
from web.routes import Call

#: Eighteen digits: what every store keeps as a whole number.
_TAG: Final = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def if_match(call: Call) -> int | None:
    """Return the revision that *call* insists on, None if on none.

    Raises:
        Problem: 400, the header is not one entity tag of ours.
    """
    text = call.headers.get("If-Match")
    if text is None:
        return None
    found = _TAG.fullmatch(text.strip())
    if not found:
        raise bad_request([Fault("If-Match", 'must be the ETag as it was read: "3"')])
    return int(found[1])
