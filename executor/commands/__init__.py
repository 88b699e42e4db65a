"""The commands of the command line: options and help, what is printed, exit statuses.

Each module holds one or a few of them.  Those that talk to a running service share ``service``,
and what they do is in ``executor.client``; those that are given where the service's settings are
share ``settings``.

Exit statuses of the former, for pipelines: 0, done or nothing to do; 1, something could not be
done, also for options that make no sense; 2, of a dry run: there are differences.  Of the latter 2
says that the settings cannot be used.
"""
