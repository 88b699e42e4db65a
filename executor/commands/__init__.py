"""The commands of the command line that talk to a running service.

Each module holds one of them: its options and help, what it prints and its exit status.  What it
does is in ``executor.client``.

Exit statuses, for pipelines: 0, done or nothing to do; 1, something could not be done, also for
options that make no sense; 2, of a dry run: there are differences.
"""
