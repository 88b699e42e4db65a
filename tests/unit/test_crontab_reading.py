"""Crontabs taken apart: variables, comments, entries, and what follows a percent sign."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.client.crontab.jobs import _fed, jobs_of
from executor.client.crontab.naming import name_of
from executor.client.crontab.reading import Entry, Mistake, Variable, read_lines
from tests.unit.crontab_corpus import MANNER


def entries(text: str, *, system: bool = False) -> list[Entry]:
    """Return the entries of *text*."""
    return [line for line in read_lines(text, system=system) if isinstance(line, Entry)]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=b", "A", "b"),
        ("  A = b c  ", "A", "b c"),
        ('A=" b "', "A", " b "),
        ("'A B'='c'", "A B", "c"),
        ('A="b', "A", '"b'),
        ("A=", "A", ""),
        ("A=$HOME/x # y", "A", "$HOME/x # y"),
        ("A==b", "A", "=b"),
    ],
)
def test_a_variable_is_read_as_cron_reads_it(line: str, name: str, value: str) -> None:
    """Quotes keep blanks; nothing is expanded, and a hash begins no comment."""
    assert list(read_lines(line, system=False)) == [Variable(1, name, value)]


def test_a_variable_counts_for_what_stands_below_it() -> None:
    """And until it is set again."""
    found = entries("* * * * * a\nX=1\n* * * * * b\nX=2\n* * * * * c")

    assert [entry.variables.get("X") for entry in found] == [None, "1", "2"]


@pytest.mark.parametrize(
    ("written", "command", "stdin"),
    [
        (r"date +\%F", "date +%F", None),
        ("mail me%hello", "mail me", "hello\n"),
        ("mail me%a%b%", "mail me", "a\nb\n"),
        (r"cat%1\%2%3", "cat", "1%2\n3\n"),
        (r"a \\%b", r"a \\", "b\n"),
        (r"a \x \% %\x", r"a \x % ", "\\x\n"),
        ("a%", "a", None),
        ("%b", "", "b\n"),
    ],
)
def test_a_percent_sign_ends_the_command(written: str, command: str, stdin: str | None) -> None:
    """What follows is its input, further ones are line breaks, and a backslash keeps them."""
    (entry,) = entries(f"* * * * * {written}")

    assert (entry.command, entry.stdin) == (command, stdin)


def test_the_system_format_has_a_user() -> None:
    """As the sixth column, or behind a name."""
    found = entries("1 2 3 4 5  root  a b\n@daily\twww-data c\n", system=True)

    assert [(one.schedule, one.user, one.command) for one in found] == [
        ("1 2 3 4 5", "root", "a b"),
        ("@daily", "www-data", "c"),
    ]


@pytest.mark.parametrize("line", ["* * * * *", "1 2 3", "@daily", "word", "=x"])
def test_what_cron_cannot_read_is_a_mistake_with_its_line(line: str) -> None:
    """It says what cron wants."""
    (found,) = read_lines(f"\n{line}\n", system=False)

    assert isinstance(found, Mistake)
    assert found.line == 2


def test_comments_right_above_an_entry_are_its_own() -> None:
    """A blank line or a variable ends them; drawings, headings and old entries are none."""
    text = (
        "# of the file\n\n# first\n#   second\n0 1 * * * a\n"
        "# m h  dom mon dow   command\n# .---- minute\n# |\n# * * * * *\n0 2 * * * b\n"
        "# of c\n#0 3 * * * old\n# really\n0 4 * * * c\n# of X\nX=1\n0 5 * * * d\n"
    )

    assert [entry.comment for entry in entries(text)] == [("first", "second"), (), ("really",), ()]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/local/bin/backup.sh --all", "backup"),
        ("cd /srv/app && /usr/bin/python3 -u manage.py clearsessions", "manage"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
         "run-parts-cron.daily"),
        ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
        ("FOO=1 BAR='x' nice -n 10 flock -n /run/x.lock /opt/sync.py", "sync"),
        ("curl -fsS https://example.com/ping/abc", "curl-abc"),
        ("sudo -u www-data php -f /var/www/cron.php", "www-data"),
        ("bash -c 'true'", "true"),
        ("", "job"),
    ],
)  # fmt: skip
def test_a_command_gives_its_job_a_name(command: str, name: str) -> None:
    """What the line is for, rather than what prepares it."""
    assert name_of(command, ()) == name


def test_a_short_comment_gives_a_better_name() -> None:
    """A long one is an explanation."""
    assert name_of("x", ["Nightly backup (all)."]) == "nightly-backup-all"
    assert name_of("x", ["This has to run before the others because they need it."]) == "x"


@pytest.mark.parametrize("stdin", ["a\nb\n", "END\nEND_\n", "$HOME `x` \\n 'q' \"q\"\n", "\n"])
def test_the_input_reaches_the_command_as_it_is(stdin: str) -> None:
    """The script that a job is given feeds it through a real shell, unchanged."""
    ran = subprocess.run(
        ["/bin/sh", "-c", _fed(stdin), "/bin/sh", "-c", "cat; echo done"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == f"{stdin}done\n"


@given(st.text())
def test_no_text_breaks_the_import(text: str) -> None:
    """Every line becomes a job, a variable, a comment or a refusal."""
    jobs_of(text, MANNER)


@given(
    st.lists(
        st.sampled_from(
            ["*", "*/5", "1-5", "7", "@daily", "%", "\\", "#", "=", "A=", "\n", "\n\n", " ", "\t",
             "root", "x;y", "'", '"', "{{", "~", "-", ",", "\ud800", "\x00", "\r\n", "CRON_TZ=UTC"]
        )
    ).map("".join)
)  # fmt: skip
def test_no_heap_of_columns_breaks_the_import(text: str) -> None:
    """What crontabs are made of, in any order."""
    jobs_of(text, MANNER)
