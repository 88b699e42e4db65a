"""What goes on in the processes of Python jobs, apart from the service.

``runner`` is the main program of one run, ``declarations`` finds the jobs that modules
declare, ``precondition`` asks whether scheduling may begin.  Each is started by its name
(``python -m``) and talks to whoever started it over a descriptor.

These modules import nothing of ours but ``executor.jobs``: they are loaded once for every
run, and stand in one process with code that is not ours.
"""
