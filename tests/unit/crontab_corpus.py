"""A thousand lines of crontab, made of kinds whose outcome is written down by hand.

For each kind: a line, and what the report has to say of it: the codes of its notes with their
kinds, or nothing.  ``§`` in a line is a number that differs from line to line, so that no two
lines are the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from executor.client.crontab.jobs import Manner

#: Berlin, where clocks change, some months before they do.
MANNER = Manner(system=False, timezone="Europe/Berlin", now=datetime(2026, 11, 22, 12, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of line.

    Attributes:
        line: what stands in the file.
        expression: of the schedule that is made of it; None if none is.
        notes: what is reported: ``kind code``.
    """

    line: str
    expression: str | None
    notes: tuple[str, ...] = ()


KINDS = (
    # What means the same.
    Kind("30 4 * * * /usr/bin/a-§", "30 4 * * *"),
    Kind("*/15 * * * * /usr/bin/a-§", "*/15 * * * *"),
    Kind("0 9-17 * * mon-fri /usr/bin/a-§", "0 9-17 * * mon-fri"),
    Kind("5 0 1,15 * * /usr/bin/a-§", "5 0 1,15 * *"),
    Kind("0 22 * * 1-5 /usr/bin/a-§", "0 22 * * 1-5"),
    Kind("5 4 * * sun /usr/bin/a-§", "5 4 * * sun"),
    Kind("5 4 * * 7 /usr/bin/a-§", "5 4 * * 7"),
    Kind("0 0 13 * 5 /usr/bin/a-§", "0 0 13 * 5"),
    Kind("0 12 */2 * 1 /usr/bin/a-§", "0 12 */2 * 1"),
    Kind("0 5 1 jan,JUL * /usr/bin/a-§", "0 5 1 jan,JUL *"),
    Kind("0-30/10 6 * * 5-7 /usr/bin/a-§", "0-30/10 6 * * 5-7"),
    Kind("   7\t8  *  * *   /usr/bin/a-§  --x ", "7 8 * * *"),
    Kind("@daily /usr/bin/a-§", "@daily"),
    Kind("@hourly /usr/bin/a-§", "@hourly"),
    Kind("@weekly /usr/bin/a-§", "@weekly"),
    Kind("@monthly /usr/bin/a-§", "@monthly"),
    Kind("@yearly /usr/bin/a-§", "@yearly"),
    Kind("@annually /usr/bin/a-§", "@annually"),
    Kind("@midnight /usr/bin/a-§", "@midnight"),
    Kind("@every_minute /usr/bin/a-§", "* * * * *"),
    Kind("1 5 * * * echo § > /tmp/x && date +\\%F | tee -a /tmp/y", "1 5 * * *"),
    Kind("1 5 * * * docker ps --format '{{.Names}}' §", "1 5 * * *"),
    # What means the same in other words.
    Kind("3 5 * * * mail -s § me%Hello%World", "3 5 * * *", ("told stdin",)),
    Kind("*/90 * * * * /usr/bin/a-§", "0 * * * *", ("told wide_step",)),
    Kind("0 4 1-7/8 * * /usr/bin/a-§", "0 4 1 * *", ("told wide_step",)),
    # What differs in some case.
    Kind("5/15 * * * * /usr/bin/a-§", "5/15 * * * *", ("differs lone_step",)),
    Kind("0~30 4 * * * /usr/bin/a-§", "H(0-30) 4 * * *", ("differs random",)),
    Kind("~ 4 * * * /usr/bin/a-§", "H(0-59) 4 * * *", ("differs random",)),
    Kind("0 4 L * * /usr/bin/a-§", "0 4 L * *", ("differs not_cron",)),
    Kind("H 4 * * * /usr/bin/a-§", "H 4 * * *", ("differs not_cron",)),
    Kind("0,30 2 * * * /usr/bin/a-§", "0,30 2 * * *", ("differs gap",)),
    Kind("0 0-23 * * * /usr/bin/a-§", "0 0-23 * * *", ("differs wildcard",)),
    Kind("0-59 3 * * * /usr/bin/a-§", "0-59 3 * * *", ("differs wildcard",)),
    Kind("0 */30 * * * /usr/bin/a-§", "0 0 * * *", ("told wide_step", "differs wildcard")),
    Kind("-10 4 * * * /usr/bin/a-§", "10 4 * * *", ("differs quiet",)),
    Kind("10 4 * * * root /usr/bin/a-§", "10 4 * * *", ("differs user_column",)),
    # What cannot be taken.
    Kind("@reboot /usr/bin/a-§", None, ("refused reboot",)),
    Kind("@every_second /usr/bin/a-§", None, ("refused seconds",)),
    Kind("@600 /usr/bin/a-§", None, ("refused seconds",)),
    Kind("@fortnightly /usr/bin/a-§", None, ("refused macro",)),
    Kind("@Daily /usr/bin/a-§", None, ("refused macro",)),
    Kind("60 4 * * * /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 24 * * * /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 4 31 2 * /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 22-2 * * * /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 4 * * monday /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 4 ? * * /usr/bin/a-§", None, ("refused columns",)),
    Kind("*/0 4 * * * /usr/bin/a-§", None, ("refused columns",)),
    Kind("0 4 * * §", None, ("refused columns",)),
    Kind("word-§", None, ("refused columns",)),
    # What is no entry.
    Kind("# comment §", None),
    Kind("#0 4 * * * /usr/bin/old-§", None),
    Kind("", None),
    Kind("X_§=1", None),
    Kind('MAILTO=""', None),
    Kind("MAILTO=admin-§", None, ("differs mailto",)),
    Kind("TZ=Asia/Tokyo", None, ("differs tz",)),
    Kind("LOGNAME=somebody", None, ("differs logname",)),
    Kind("RANDOM_DELAY=soon", None, ("refused random_delay",)),
)


def crontab(lines: int, seed: int) -> tuple[str, list[Kind]]:
    """Return a crontab of *lines* lines, every kind in it, and the kind of each."""
    draw = random.Random(seed)
    chosen = list(KINDS) + [draw.choice(KINDS) for _ in range(lines - len(KINDS))]
    draw.shuffle(chosen)
    text = "".join(f"{kind.line.replace('§', str(n))}\n" for n, kind in enumerate(chosen))
    return text, chosen
