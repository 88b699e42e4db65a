"""A target as it is for one run: its templates filled in with the run's values.

Done by launchers right before the start, once for each run.  What comes out with secrets in it is
used and forgotten: it is never stored, logged or shown.  A page that tells what was sent fills in
the names of secrets instead.

Rules
-----
1. A target without templates is returned as it is, at no cost.
2. What a value makes of a field is judged again: a header cannot be ended by a line break in a
   value, nor a request be sent anywhere but over http and https.
3. Texts are what the API shows: instants in RFC 3339, numbers in decimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC

from executor.domain import command_line
from executor.domain.instant import to_text
from executor.domain.job import Definition
from executor.domain.json_value import texts_in, with_texts
from executor.domain.run import Run
from executor.domain.targets import (
    CommandTarget,
    HttpTarget,
    MessageTarget,
    PythonTarget,
    Target,
    check_header,
    check_url,
)
from executor.domain.template import SECRET, render, secrets_in
from executor.domain.watch import WatchedTarget


def values_of(run: Run, definition: Definition) -> dict[str, str]:
    """Return the value of each name, but for the secrets.

    The fire time of a run without a slot is the instant of its creation; ``fire_time.local`` is
    on the clock of the job's schedule, with its offset, and UTC for a job without one;
    ``fire_time.epoch`` is in whole seconds.
    """
    fire_time = run.fire_at or run.created_at
    schedule = definition.schedule
    local = fire_time.astimezone(UTC if schedule is None else schedule.clock())
    return {
        "run.id": run.id,
        "run.attempt": str(run.attempt),
        "run.cause": run.cause.value,
        "run.trigger_id": run.trigger_id or run.id,
        "run.term": str(run.term),
        "job.id": run.job_id,
        "job.name": run.job,
        "job.owner": definition.owner,
        "job.revision": str(run.revision),
        "fire_time": to_text(fire_time),
        "fire_time.local": local.isoformat(
            timespec="milliseconds" if local.microsecond else "seconds"
        ),
        "fire_time.epoch": str(int(fire_time.timestamp())),
    }


def is_plain(target: Target) -> bool:
    """Whether a run of *target* needs no values at all; asked for every run, so it is quick."""
    if isinstance(target, HttpTarget):
        if target.sign is not None:
            return False
        texts: tuple[str, ...] = (target.url, target.body, *target.headers.values())
    elif isinstance(target, CommandTarget):
        texts = (target.command or "", *(target.argv or ()), *target.env.values())
    elif isinstance(target, WatchedTarget):
        return True
    else:
        texts = tuple(texts_in(target.arguments))
    return not any("{{" in text for text in texts)


def secret_places(target: Target) -> Iterator[tuple[str, str]]:
    """Return where *target* names secrets: a path within a job, and the name, each once."""
    for field, text in _texts(target):
        yield from ((field, name) for name in sorted(secrets_in(text)))
    if isinstance(target, HttpTarget) and target.sign is not None:
        yield "target.sign.secret", target.sign.secret


def secrets_of(target: Target) -> frozenset[str]:
    """Return the names of the secrets that a run of *target* needs."""
    return frozenset() if is_plain(target) else frozenset(n for _, n in secret_places(target))


def secret_places_of_job(definition: Definition) -> Iterator[tuple[str, str]]:
    """Return where a job names secrets, as :func:`secret_places` does: its target and its ping."""
    yield from secret_places(definition.target)
    yield from (("ping", name) for name in sorted(secrets_in(definition.ping or "")))


def secrets_of_job(definition: Definition) -> frozenset[str]:
    """Return the names of the secrets that a job needs."""
    return secrets_of(definition.target) | secrets_in(definition.ping or "")


def filled_in(run: Run, definition: Definition, secrets: Mapping[str, str]) -> Target:
    """Return the definition's target as it is for *run*; of a ``command`` the words, as ``argv``.

    Args:
        secrets: by their names; those that are not asked for may be missing.

    Raises:
        ValueError: a value is missing, or makes a field what it must not be; names the field and
            repeats no value.
    """
    target = definition.target
    if is_plain(target):
        return target
    values = values_of(run, definition)
    values.update((f"{SECRET}{name}", value) for name, value in secrets.items())
    if isinstance(target, HttpTarget):
        return _request(target, values)
    if isinstance(target, CommandTarget):
        return _program(target, values)
    return target if isinstance(target, WatchedTarget) else _call(target, values)


def _texts(target: Target) -> Iterator[tuple[str, str]]:
    """Return the templates of *target*, each with its path within a job."""
    if isinstance(target, HttpTarget):
        yield "target.url", target.url
        for name, text in target.headers.items():
            yield f"target.headers.{name}", text
        yield "target.body", target.body
    elif isinstance(target, CommandTarget):
        yield "target.command", target.command or ""
        for number, text in enumerate(target.argv or ()):
            yield f"target.argv.{number}", text
        for name, text in target.env.items():
            yield f"target.env.{name}", text
    elif not isinstance(target, WatchedTarget):
        for name, value in target.arguments.items():
            yield from ((f"target.arguments.{name}", text) for text in texts_in(value))


def _request(target: HttpTarget, values: Mapping[str, str]) -> HttpTarget:
    headers = {}
    with _naming("target.url"):
        url = _address(render(target.url, values))
    for name, text in target.headers.items():
        with _naming(f"target.headers.{name}"):
            headers[name] = check_header(render(text, values))
    with _naming("target.body"):
        body = render(target.body, values)
    return replace(target, url=url, headers=headers, body=body)


def _address(url: str) -> str:
    try:
        return check_url(url)
    except ValueError:
        # What is wrong may lie in a secret, so nothing of it is repeated.
        raise ValueError(
            "is no address of http or https with these values; a part of it takes `| url`"
        ) from None


def _program(target: CommandTarget, values: Mapping[str, str]) -> CommandTarget:
    env = {}
    with _naming("target.argv" if target.command is None else "target.command"):
        argv = (
            tuple(render(text, values) for text in target.argv or ())
            if target.command is None
            else command_line.render(target.command, values)
        )
    for name, text in target.env.items():
        with _naming(f"target.env.{name}"):
            env[name] = render(text, values)
    return replace(target, command=None, argv=argv, env=env)


def _call(
    target: PythonTarget | MessageTarget, values: Mapping[str, str]
) -> PythonTarget | MessageTarget:
    arguments = {}
    for name, value in target.arguments.items():
        with _naming(f"target.arguments.{name}"):
            arguments[name] = with_texts(value, lambda text: render(text, values))
    return replace(target, arguments=arguments)


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Have what is wrong with *field* say that it is this one."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
