"""What goes on in the processes of Python jobs, apart from the service.

``runner`` is what happens in the process of one run, ``zygote`` is forked to become one
without starting an interpreter each time, and ``inquiry`` is a question to the modules
with jobs: which there are, and whether scheduling may begin.  Each is started by its name
(``python -m``), talks to whoever started it over a descriptor, and ends with it
(``lifeline``).

These modules import nothing of ours but ``executor.jobs``: they are loaded once for every
run, and stand in one process with code that is not ours.
"""
