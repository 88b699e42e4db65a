"""Threads that carry the engine's decisions out and feed it what comes of them.

Every resource has one owning thread: the engine, each lane of store calls, the
broker's connections, the launchers.  They talk through queues.
"""
