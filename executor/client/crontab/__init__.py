"""Crontabs, read as cron(8) reads them, and made into jobs.

``reading`` takes the file apart into entries; ``columns`` compares what cron's five columns mean
there and here; ``naming`` makes names of commands and comments; ``jobs`` puts all of it together
with a report of every line that will behave otherwise.

Words
-----
entry
    A line of a crontab that runs something.
Vixie's cron
    The program that Debian's cron, cronie and the BSDs' cron come from.  Where these differ the
    report says so.

Sources: crontab(5) and cron(8) of Debian's cron and of cronie; the parser and the treatment of
``%`` in Vixie's cron 4.1.
"""
