"""The store on MongoDB: one module for each thing it keeps.

``connection.py`` has the guarantees that all of them share, ``schema.py`` the indexes.
"""

from executor.adapters.mongodb.readers import MongoReaders
from executor.adapters.mongodb.store import MongoStore

__all__ = ["MongoReaders", "MongoStore"]
