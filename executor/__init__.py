"""Solocron's library: everything but the HTTP face.

Read in this order: ``domain`` (pure values), ``engine`` (decisions, no I/O),
``ports`` (what the engine's world must offer), ``adapters`` (that world on
RabbitMQ, MongoDB, SQLite, pycurl), ``runtime`` (threads that carry decisions
out), ``bootstrap`` (the only module that names concrete adapters) and ``cli``.
"""

__version__ = "0.1.0"
