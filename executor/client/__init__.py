"""What talks to a running service over HTTP, and the documents it brings and fetches.

A client like any other: it uses the API and nothing behind it, so it works against an
instance on the other side of the world, and against one of a later version.  The command
line (``executor.commands``) is its only user.

Rules
-----
1. Reading files, comparing and planning are pure; only ``connection`` talks to the service.
2. What the service says counts: it judges documents, and says in which form it keeps them.
3. Every fault is reported with its file, line and field, and all of them before anything is
   changed.
"""
