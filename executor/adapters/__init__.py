"""Where the ports meet the world: one folder per back end.

None knows another, but for ``local``, whose command queue is in the file of ``sqlite``.

Adapters read and write; they decide nothing.  What every store adapter must do in the
same way (documents, cursors, verdicts on refused writes) is in the modules beside
this one, and ``tests/contract`` holds them all to one law.  Driver errors are
translated at every public edge and kept as ``__cause__``.
"""
