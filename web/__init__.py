"""The HTTP face: the native API, its description, and the page for people.

A thin client of ``executor.domain`` and ``executor.ports``.  It reads through
:class:`~executor.ports.store.Readers` and asks for changes through
:class:`~executor.ports.broker.CommandSender`; it is never handed a writer, so
the type checker proves that only the executor changes jobs and runs.

Read in this order: ``app`` (the factory), ``routes`` (one table that serves
requests and describes itself), ``problems`` (every refusal), then one module for
each noun: ``jobs`` and ``changes``, ``upcoming``, ``explanations``, ``revisions``, ``backfills``,
``runs``, ``calendars``, ``secrets``, ``tokens``, ``audit``, ``schedules``, ``load``, ``commands``,
``status``, ``pages``.  Who may do what is decided in ``gate`` and ``access``; ``compat`` speaks as
other schedulers do.
"""
