"""An instance: two sibling processes, started and supervised by ``solocron serve``.

``siblings`` starts and watches them, ``lifeline`` tells them that their parent died,
``orphans`` ends what a dead executor left running, ``address`` takes the port first.

Why two processes: every millisecond in which web holds the interpreter's lock would be
start lateness of the executor.  Crash-only: if either ends, the instance ends with a
non-zero status, and whatever started it starts it again.
"""
