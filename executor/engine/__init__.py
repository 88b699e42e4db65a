"""Every decision of the executor, without I/O.

:class:`~executor.engine.engine.Engine` is fed events and answers with effects; it has
no threads, no clock and no waiting.  ``executor/runtime`` carries effects out and
feeds the outcomes back, and so does the simulation, on a virtual clock.

How the parts share the work::

    election    token won -> mint a term -> load -> a Tenure begins; superseded -> it ends
    dispatch    claim ahead, clear, hand off: the firing path of a tenure
    supervision rows that former executors left: adopt, watch their leases, repeat
    intake      commands: decide, write, verify the term, answer
    workload    runs handed to this machine's launchers; outlives a tenure
    journal     starts, results and watermarks, in batches; outlives a tenure
    upkeep      retention and the instance's own heartbeat
"""
