"""The embedded broker: a lock on a file is the token, a table of the SQLite file the queue.

Several instances on one machine may share the data folder; the kernel takes the lock
from whoever dies, at that moment, and one of the others has it a few milliseconds later.
"""

from executor.adapters.local.intake import LocalIntake
from executor.adapters.local.sender import LocalSender
from executor.adapters.local.token import LocalToken

__all__ = ["LocalIntake", "LocalSender", "LocalToken"]
