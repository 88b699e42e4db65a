"""The settings: environment variables, read once into one frozen value.

``variables`` is the table, ``settings`` reads it, ``credentials`` knows URLs with
passwords and service bindings, ``listing`` shows table and values to people.
"""

from executor.config.choices import LogForm, LogLevel, Proxies, QueueType
from executor.config.entrance import AuthMode
from executor.config.settings import Settings

__all__ = ["AuthMode", "LogForm", "LogLevel", "Proxies", "QueueType", "Settings"]
