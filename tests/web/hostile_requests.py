"""Requests that nobody sends who means well, and how each has to be refused.

``{job}``, ``{run}`` and ``{key}`` in a path stand for the id of a job, that of a run of it that
goes on, and the key of a watched job.  ``says`` is a part of the answer: the field that is to
blame, or what is wrong with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"

#: A job without anything remarkable about it; it is never due.
HTTP: Final = {"kind": "http", "url": "https://example.com/"}

#: More digits than any number has.
DIGITS: Final = "9" * 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One request, and how it is refused."""

    what: str
    path: str
    status: int
    says: str
    method: str = "POST"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def sent(
    method: str, path: str, document: Any, status: int, says: str, media_type: str = JSON
) -> Hostile:
    """Return a request with a document as its body."""
    body = json.dumps(document).encode()
    what = f"{method} {path} {body.decode()}"[:120]
    headers = {"Content-Type": media_type}
    return Hostile(
        what=what,
        method=method,
        path=path,
        body=body,
        headers=headers,
        status=status,
        says=says,
    )


def asked(path: str, status: int, says: str, method: str = "GET", **headers: str) -> Hostile:
    """Return a request without a body; underscores in header names stand for dashes."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    what = f"{method} {path} {fields or ''}"[:120]
    return Hostile(what=what, method=method, path=path, headers=fields, status=status, says=says)


def job(changes: dict[str, Any], says: str) -> Hostile:
    """Return a new job that is refused."""
    return sent("POST", "/v1/jobs", {"name": "hostile", "target": HTTP, **changes}, 422, says)


def target(changes: dict[str, Any], says: str) -> Hostile:
    """Return a new job whose target is refused."""
    return job({"target": {**HTTP, **changes}}, says)


def kala(changes: dict[str, Any], says: str) -> Hostile:
    """Return a new job of Kala that is refused."""
    usual = {"name": "hostile", "command": "true", "schedule": "R/2040-01-01T00:00:00Z/PT1H"}
    return sent("POST", "/api/v1/job/", {**usual, **changes}, 400, says)


def simple(changes: dict[str, Any], says: str) -> Hostile:
    """Return a new job of simple-scheduler that is refused."""
    usual = {
        "name": "hostile",
        "enabled": True,
        "interval": 60_000,
        "nextRunAt": "2040-01-01T00:00:00Z",
        "runExecutionTimeout": 60_000,
    }
    return sent("POST", "/api/jobs", {**usual, **changes}, 400, says)


def preview(schedule: Any, says: str) -> Hostile:
    """Return a schedule that is refused."""
    return sent("POST", "/v1/schedules/preview", {"schedule": schedule}, 422, says)


def cron(says: str, **parts: Any) -> Hostile:
    """Return a cron expression that is refused."""
    return preview({"kind": "cron", "expression": "* * * * *", **parts}, says)


_ANY: Final = {"$ne": None}

PATHS: Final = (
    asked("/v1/jobs/..%2f..%2fetc%2fpasswd", 404, "nothing at"),
    asked("/v1/jobs/%2e%2e", 404, "there is no job"),
    asked("/v1/jobs/%00", 404, "there is no job"),
    asked(f"/v1/jobs/{'a' * 100_000}", 404, "there is no job"),
    asked("/v1/jobs/{job}/revisions/%2e%2e", 404, "there is no revision"),
    asked(f"/v1/jobs/{{job}}/revisions/{DIGITS}", 404, "there is no revision"),
    asked("/v1/runs/..%2f..%2f{run}", 404, "nothing at"),
    asked("/v1/runs/%2e%2e/output", 404, "there is no run"),
    asked("/v1/runs/{run}%00", 404, "there is no run"),
    asked("/v1/runs/{run}%0a/output?follow=1", 404, "there is no run"),
    asked("/v1/commands/..%2f..%2f", 404, "nothing at"),
    asked("/v1/commands/%24ne", 404, "there is no command"),
    asked("/v1/calendars/..%2f..%2fetc", 404, "nothing at"),
    asked("/static/..%2fapp.py", 404, "nothing at"),
    asked("/static/%2e%2e/app.py", 404, "nothing at"),
    asked("/static/%2e%2e%5capp.py", 404, "nothing at"),
    asked("/static//etc/passwd", 404, "nothing at"),
    asked("/static/ui.js%00.png", 404, "nothing at"),
    asked(f"/static/{'a' * 9_000}", 404, "nothing at"),
    asked("/static/ui.js", 416, "range", Range=f"bytes=0-{DIGITS}"),
    asked("/templates/login.html", 404, "nothing at"),
    asked("/.env", 404, "nothing at"),
    asked("/ping/..%2f..%2f", 404, "nothing at"),
    asked("/ping/%24ne", 404, "no job is pinged"),
    asked("/ping/{key}%00", 404, "no job is pinged"),
    asked("/ping/{key}/..%2ffail", 404, "nothing at"),
    asked("/ping/{key}/-1", 400, "signal"),
    asked(f"/ping/{{key}}/{DIGITS}", 400, "signal"),
    asked("/ping/{key}/%0d%0aSet-Cookie:%20a=b", 400, "signal"),
    asked("/ping/{key}?rid=%24ne", 400, "rid"),
    asked("/api/v1/job/..%2f..%2fetc/", 404, "nothing at"),
    asked("/api/v1/job/%24ne/", 404, "does not exist"),
    asked("/api/v1/job/stats/%00/", 404, "does not exist"),
    asked("/api/jobs/..%2f", 404, "there is no job", "DELETE"),
    asked("/api/nothing/%3Cscript%3E", 404, "nothing at"),
    asked("/jobs/..%2f..%2fetc", 404, "nothing at"),
    asked("/jobs/%24ne", 404, "there is no job"),
    asked("/jobs/plain/%00", 404, "there is no run"),
    asked("/jobs/%24ne", 404, "there is no job", "POST"),
    job({"target": {"kind": "python", "callable": "../../etc:passwd"}}, "target.callable"),
    job({"target": {"kind": "python", "callable": "os.path:../x"}}, "target.callable"),
    job({"target": {"kind": "command", "argv": ["true"], "user": "root\n"}}, "target.user"),
    job({"on_failure": "../.."}, "on_failure"),
    job({"after": {"jobs": ["../.."]}}, "after.jobs"),
    job({"calendars": [{"name": "../.."}]}, "calendars.0"),
    target({"url": "file:///etc/passwd"}, "target.url"),
    target({"url": "javascript:alert(1)"}, "target.url"),
    target({"url": "gopher://example.com/_x"}, "target.url"),
    target({"url": "//example.com/"}, "target.url"),
    target({"tls": {"ca": "../../etc/passwd"}}, "target.tls.ca"),
    cron("schedule.timezone", timezone="../../etc/passwd"),
    cron("schedule.timezone", timezone="/etc/passwd"),
    cron("schedule.timezone", timezone="Europe/Berlin\x00"),
    cron("schedule.timezone", timezone="a" * 100_000),
    sent("PUT", "/v1/calendars/x", {"ics": "file:///etc/passwd"}, 422, "ics"),
    sent("PUT", "/v1/calendars/%2e%2e", {}, 422, "name"),
    sent("PUT", "/v1/calendars/a%00", {}, 422, "name"),
    sent("PUT", "/v1/channels/%2e%2e", {"kind": "webhook", "url": "http://x/"}, 422, "name"),
    sent("PUT", "/v1/channels/x", {"kind": "webhook", "url": "file:///etc/x"}, 422, "url"),
    sent("PUT", "/v1/secrets/%2e%2e", {"value": "x"}, 422, "name"),
    sent("POST", "/v1/tokens", {"name": "../x", "scopes": ["jobs:read"]}, 422, "name"),
)

QUERIES: Final = (
    asked("/v1/jobs?q[$ne]=1", 400, "q[$ne]"),
    asked("/v1/jobs?owner[$gt]=", 400, "owner[$gt]"),
    asked("/v1/jobs?tag[$regex]=.*", 400, "tag[$regex]"),
    asked("/v1/jobs?$where=sleep(9999)", 400, "$where"),
    asked("/v1/jobs?q=a&q=b", 400, "more than once"),
    asked("/v1/jobs?q=a%00b", 400, "NUL"),
    asked("/v1/jobs?enabled[]=true", 400, "enabled[]"),
    asked(f"/v1/jobs?limit={DIGITS}", 400, "limit"),
    asked("/v1/jobs?limit=1e3", 400, "limit"),
    asked("/v1/jobs?limit=%D9%A1", 400, "limit"),
    asked("/v1/jobs?cursor=eyIkbmUiOm51bGx9", 400, "cursor"),
    asked("/v1/jobs?cursor=WyJqb2JzIiwiXHVkODAwIl0", 400, "cursor"),
    asked("/v1/jobs?cursor=%00", 400, "cursor"),
    asked("/v1/runs?job[$ne]=x", 400, "job[$ne]"),
    asked("/v1/runs?job=%24ne", 404, "there is no job"),
    asked("/v1/runs?state=%7B%22%24ne%22%3Anull%7D", 400, "state"),
    asked("/v1/runs?from=0001-01-01T00:00:00%2B23:59", 400, "from"),
    asked(f"/v1/runs?from={DIGITS}", 400, "from"),
    asked(f"/v1/runs?cursor={'W' * 50_000}", 400, "cursor"),
    asked("/v1/audit?actor[$ne]=x", 400, "actor[$ne]"),
    asked("/v1/audit?action=%24ne", 400, "action"),
    asked("/api/runs?status=%24ne", 400, "status"),
    asked("/api/runs?createdBefore=%24now", 400, "createdBefore"),
    asked("/jobs/plain?limit=-1", 400, "limit"),
    job({"name": _ANY}, "name"),
    job({"owner": {"$gt": ""}}, "owner"),
    job({"tags": [_ANY]}, "tags.0"),
    job({"tags": {"$in": ["a"]}}, "tags"),
    job({"enabled": _ANY}, "enabled"),
    job({"schedule": {"$where": "sleep(9999)"}}, "schedule"),
    job({"labels": {"a": _ANY}}, "labels.a"),
    job({"retrigger": {"$inc": 1}}, "retrigger"),
    job({"after": {"jobs": [_ANY]}}, "after.jobs"),
    job({"on_failure": _ANY}, "on_failure"),
    job({"target": _ANY}, "target"),
    job({"$set": {"enabled": False}}, "$set"),
    job({"$where": "1"}, "$where"),
    job({"_id": "x"}, "_id"),
    job({"__proto__": {"enabled": False}}, "__proto__"),
    job({"__class__": "x"}, "__class__"),
    target({"headers": {"X": _ANY}}, "target.headers.X"),
    target({"url": {"$regex": ".*"}}, "target.url"),
    job({"target": {"kind": "python", "callable": "a:b", "arguments": {"$set": 1}}}, "$set"),
    sent(
        "PATCH",
        "/v1/jobs/plain",
        {"$set": {"owner": "x"}},
        422,
        "$set",
        "application/merge-patch+json",
    ),
    sent("POST", "/v1/jobs/plain/pause", {"reason": _ANY}, 422, "reason"),
    sent("POST", "/v1/jobs/plain/backfill", {"from": _ANY, "to": _ANY}, 422, "from"),
    sent("POST", "/v1/jobs/plain/trigger", {"$where": "1"}, 422, "$where"),
    sent("POST", "/v1/batch", {"items": [{"delete": _ANY}]}, 422, "delete"),
    sent("POST", "/v1/batch", {"items": {"$gt": []}}, 422, "items"),
    sent("POST", "/v1/batch", {"items": [{"delete": "plain", "revision": _ANY}]}, 422, "revision"),
    sent("POST", "/v1/batch", {"items": [{"delete": "x"}], "$where": "1"}, 422, "$where"),
    sent("POST", "/v1/tokens", {"name": "x", "scopes": [_ANY]}, 422, "scopes.0"),
    sent("PUT", "/v1/secrets/x", {"value": _ANY}, 422, "value"),
    sent("PUT", "/v1/calendars/x", {"timezone": _ANY}, 422, "timezone"),
    sent("PUT", "/v1/channels/x", {"kind": "webhook", "url": _ANY}, 422, "url"),
    asked("/v1/jobs/plain", 400, "If-Match", "DELETE", If_Match='{"$ne": 1}'),
    kala({"parent_jobs": [_ANY]}, "parent_jobs.0"),
    kala({"parent_jobs": ["$ne"]}, "parent_jobs"),
    kala({"id": _ANY}, "id"),
    kala({"command": _ANY}, "command"),
    kala({"on_failure_job": _ANY}, "on_failure_job"),
    simple({"name": _ANY}, "name"),
    simple({"interval": {"$gt": 0}}, "interval"),
    simple({"enabled": {"$gt": ""}}, "enabled"),
    simple({"nextRunAt": _ANY}, "nextRunAt"),
)

HEADERS: Final = (
    target({"headers": {"X": "a\r\nSet-Cookie: b"}}, "target.headers.X"),
    target({"headers": {"X": "a\nb"}}, "target.headers.X"),
    target({"headers": {"X": "a\x00b"}}, "target.headers.X"),
    target({"headers": {"X\r\nY": "a"}}, "target.headers"),
    target({"headers": {"X: y\r\nZ": "a"}}, "target.headers"),
    target({"headers": {"": "a"}}, "target.headers"),
    target({"url": "http://example.com/\r\nHost: evil.example"}, "target.url"),
    target({"url": "http://example.com/ HTTP/1.1\r\n\r\nGET /"}, "target.url"),
    target({"method": "GET / HTTP/1.1\r\nX:"}, "target.method"),
    target({"expect": ["200\r\n"]}, "target.expect"),
    target({"body": "{{ 7 * 7 }}"}, "target.body"),
    target({"url": "https://example.com/{{ ().__class__ }}"}, "target.url"),
    job({"target": {"kind": "command", "argv": ["true", "{{ config }}"]}}, "target.argv.1"),
    kala(
        {"type": 1, "remote_properties": {"url": "http://x/", "headers": {"X": ["a\r\nY: b"]}}},
        "remote_properties.headers",
    ),
    kala(
        {"type": 1, "remote_properties": {"url": "http://x/", "method": "GET\r\nX:"}},
        "remote_properties.method",
    ),
    kala({"type": 1, "remote_properties": {"url": "http://x/\r\nX: y"}}, "remote_properties.url"),
    sent("PUT", "/v1/channels/x", {"kind": "webhook", "url": "http://x/\r\nX: y"}, 422, "url"),
    sent(
        "PUT",
        "/v1/channels/x",
        {"kind": "email", "host": "h", "from": "a@b.example", "to": ["a@b.example\r\nBcc: c@d.e"]},
        422,
        "to.0",
    ),
    sent(
        "PUT",
        "/v1/channels/x",
        {"kind": "email", "host": "h", "from": "a@b.example\r\nBcc: c@d.e", "to": ["a@b.example"]},
        422,
        "from",
    ),
    sent("POST", "/v1/tokens", {"name": "a\r\nb", "scopes": ["jobs:read"]}, 422, "name"),
    sent("PUT", "/v1/jobs/a%0d%0aX:%20y", {"target": HTTP}, 422, "name"),
    sent("PUT", "/v1/calendars/a%0d%0aX:%20y", {}, 422, "name"),
    asked("/v1/runs/{run}/output?follow=1", 400, "Last-Event-ID", Last_Event_ID="-1"),
    asked("/v1/runs/{run}/output?follow=1", 400, "Last-Event-ID", Last_Event_ID=DIGITS),
    asked("/v1/jobs/plain/trigger", 400, "Idempotency-Key", "POST", Idempotency_Key="x" * 8_000),
    asked("/v1/jobs", 400, "Host", Host=f"{'x' * 64}.example"),
    asked("/v1/jobs", 400, "Host", Host="a..b"),
    asked("/v1/jobs/plain", 403, "Origin", "DELETE", Origin="http://evil.example"),
    asked("/v1/jobs/plain", 403, "Origin", "DELETE", Origin="http://localhost.evil.example"),
    asked("/api/runs/{run}/cancel", 403, "Origin", Origin="null"),
    asked("/v1/jobs/plain", 405, "POST", "POST", X_HTTP_Method_Override="DELETE"),
    asked("/v1/jobs/plain?_method=DELETE", 405, "POST", "POST", X_Method_Override="DELETE"),
    asked("/v1/runs/{run}/status", 401, "token", "POST", X_Solocron_Token="x" * 8_000),
    asked("/v1/runs/{run}/status", 401, "token", "POST", Authorization="Bearer \xff"),
)

#: An item of a batch with nothing but mistakes, each of which is looked into.
_CROWDED: Final = {"put": {f"timeot{number}": 1 for number in range(20)}}

NUMBERS: Final = (
    job({"retrigger": 2**63}, "retrigger"),
    job({"retrigger": 10**4_000}, "retrigger"),
    job({"retrigger": -(2**63) - 1}, "retrigger"),
    job({"retrigger": 1e308}, "retrigger"),
    job({"retrigger": 0.1}, "retrigger"),
    job({"keep_runs": -0.0}, "keep_runs"),
    job({"timeout": 10**400}, "timeout"),
    job({"timeout": f"PT{DIGITS}S"}, "timeout"),
    job({"timeout": "PT-1S"}, "timeout"),
    job({"overlap": {"limit": 2**63}}, "overlap.limit"),
    job({"retry": {"attempts": 1e308}}, "retry.attempts"),
    job({"description": 10**400}, "description"),
    job({"description": "x" * 100_000}, "description"),
    job({"tags": ["x"] * 100_000}, "tags"),
    job({"labels": {f"l{number}": "" for number in range(20_000)}}, "labels"),
    job({f"f{number}": 1 for number in range(20_000)}, "and 19,9"),
    job({"x" * 100_000: 1}, "unknown field"),
    sent("POST", "/v1/batch", {"items": [_CROWDED] * 250}, 422, "items.0.put"),
    cron("schedule.expression", expression="1," * 100_000),
    cron("schedule.expression", expression="0-99999999999999999999 * * * *"),
    cron("schedule.expression", expression="*/" + "9" * 900 + " * * * *"),
    preview("R/" * 100_000, "schedule"),
    preview(f"R{'9' * 150}/2040-01-01T00:00:00Z/PT1H", "schedule"),
    preview({"kind": "once", "at": DIGITS}, "schedule.at"),
    sent(
        "POST", "/v1/schedules/preview", {"schedule": "* * * * *", "count": 10**400}, 422, "count"
    ),
    sent("POST", "/v1/schedules/preview", {"schedule": "* * * * *", "count": 1e308}, 422, "count"),
    sent("POST", "/v1/batch", {"items": [{"delete": "x"}] * 501}, 422, "items"),
    sent("POST", "/v1/batch", {"items": [{"delete": "x", "revision": 10**400}]}, 422, "revision"),
    kala({"retries": 10**400}, "retries"),
    kala({"epsilon": f"PT{DIGITS}S"}, "epsilon"),
    kala({"schedule": f"R{DIGITS}/2040-01-01T00:00:00Z/PT1H"}, "schedule"),
    kala({"type": 1, "remote_properties": {"url": "http://x/", "timeout": 10**30}}, "timeout"),
    simple({"interval": 10**400}, "interval"),
    simple({"interval": 1e308}, "interval"),
    simple({"maxQueueCount": 2**63}, "maxQueueCount"),
    simple({"nextRunAt": "9999-12-31T23:59:59.9Z"}, "nextRunAt: is the end of time"),
    simple({"nextRunAt": "0001-01-01T00:00:00+23:00"}, "nextRunAt"),
)

#: All of them.
REQUESTS: Final = (*PATHS, *QUERIES, *HEADERS, *NUMBERS)

_LONE: Final = b'{"name": "\\ud800"}'
_DEEP: Final = 100_000

#: Bodies that are no request anywhere, and the statuses that may say so.
BODIES: Final[dict[str, tuple[bytes, int]]] = {
    "nothing but a brace": (b"{", 400),
    "not a number": (b'{"a": NaN}', 400),
    "endless": (b'{"a": Infinity}', 400),
    "endless below": (b'{"a": [-Infinity]}', 400),
    "a number beyond all": (b'{"a": 1e400}', 400),
    "a number below all": (b'{"a": {"b": -1e400}}', 400),
    "ten thousand digits": (b'{"a": ' + DIGITS.encode() + b"}", 400),
    "a number with a plus": (b'{"a": +1}', 400),
    "a number in hexadecimal": (b'{"a": 0x10}', 400),
    "a number with a zero before it": (b'{"a": 01}', 400),
    "lists in lists": (b"[" * _DEEP, 400),
    "lists in lists that end": (b"[" * _DEEP + b"]" * _DEEP, 400),
    "objects in objects": (b'{"a":' * _DEEP + b"1" + b"}" * _DEEP, 400),
    "objects in objects, not so deep": (b'{"a":' * 51 + b"1" + b"}" * 51, 400),
    "a key twice": (b'{"name": "a", "name": "b"}', 400),
    "a key twice, written differently": (b'{"name": "a", "n\\u0061me": "b"}', 400),
    "a key twice deep below": (b'{"a": [[{"b": {"c": 1, "c": 1}}]]}', 400),
    "half a pair": (_LONE, 400),
    "the other half": (b'{"a": ["\\udfff"]}', 400),
    "half a pair in a key": (b'{"\\udc00": 1}', 400),
    "half a pair in UTF-8": (b'{"a": "\xed\xa0\x80"}', 400),
    "overlong UTF-8": (b'{"a": "\xc0\xaf"}', 400),
    "no UTF-8": (b'{"a": "\xff"}', 400),
    "beyond Unicode": (b'{"a": "\xf4\x90\x80\x80"}', 400),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), 400),
    "UTF-16, big end first": ('{"name": "a"}'.encode("utf-16-be"), 400),
    "UTF-32": ('{"name": "a"}'.encode("utf-32"), 400),
    "two marks of the byte order": (b"\xef\xbb\xbf\xef\xbb\xbf{}", 400),
    "a raw NUL": (b'{"name": "a\x00b"}', 400),
    "a raw line end in a text": (b'{"name": "a\nb"}', 400),
    "nothing but NUL": (b"\x00" * 100, 400),
    "two documents": (b"{}{}", 400),
    "a comma too many": (b'{"a": 1,}', 400),
    "a comment": (b'{"a": 1} // x', 400),
    "single quotes": (b"{'a': 1}", 400),
    "markup": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', 400),
    "YAML": (b"!!python/object/apply:os.system [id]", 400),
    "a pickle": (b"\x80\x04\x95\x0f\x00\x00\x00", 400),
    "too much": (b'{"a": "' + b"x" * 1_000_000 + b'"}', 413),
}
