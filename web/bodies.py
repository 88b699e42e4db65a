"""Request bodies: strict JSON, or a problem that names the place.

Stricter than :mod:`json` where leniency would hide a mistake: a key given twice,
``NaN`` and ``Infinity``, half a surrogate pair and nesting beyond reason are refused.
Where a route names its media types, others are refused even for JSON text: a form on a
foreign page can send ``text/plain``, but not ``application/json``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, NoReturn, TypeVar
from urllib.parse import parse_qsl

from flask import Flask, Request
from pydantic import BeforeValidator, TypeAdapter, ValidationError, WithJsonSchema
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from executor.domain.errors import Fault
from executor.domain.faults import faults_of
from executor.domain.instant import from_text
from web.problems import Problem, bad_request, unprocessable

JSON: Final = "application/json"

#: What a form of our own page is sent as; files cannot come with it.
FORM: Final = "application/x-www-form-urlencoded"

#: Most fields of a form; that of the login has two.
MAX_FIELDS: Final = 20

#: Deepest nesting of objects and lists.  A job needs 4 levels; free-form arguments a few more.
MAX_DEPTH: Final = 50


#: Longer than any body, bytes.
_ENDLESS: Final = 1 << 62


def limit(app: Flask, max_body: int) -> None:
    """Make *app* refuse bodies of more than *max_body* bytes, also those of unknown length."""
    # One more for werkzeug: it cuts a chunked body at its limit without a word, so that
    # one byte too many is how _data learns of it.
    app.config["MAX_CONTENT_LENGTH"] = max_body + 1
    # Forms have a limit of their own, which is less.
    app.config["MAX_FORM_MEMORY_SIZE"] = max_body + 1


def read_object(request: Request, media_types: Collection[str], required: bool) -> dict[str, Any]:
    """Read the body as a JSON object.

    Args:
        media_types: Accepted besides a missing Content-Type; none: whatever it says.
        required: Whether an empty body is a fault; otherwise it reads as ``{}``.

    Raises:
        Problem: 400, 413, 415, or 422 for JSON that is not an object.
    """
    _check_media_type(request, media_types)
    data = _data(request)
    if not data.strip():
        if required:
            raise bad_request([Fault("", "a JSON body is required")])
        return {}
    document = parse_json(data)
    if not isinstance(document, dict):
        raise unprocessable([Fault("", "the body must be a JSON object: {...}")])
    return document


def read_form(request: Request) -> dict[str, str]:
    """Read the body as the fields of a form; of a name that is given twice the last one counts.

    Raises:
        Problem: 400, 413 or 415.
    """
    data = _data(request)
    if not data:
        return {}
    _check_media_type(request, (FORM,))
    try:
        return dict(parse_qsl(data.decode(errors="replace"), max_num_fields=MAX_FIELDS))
    except ValueError:
        raise _unreadable(f"a form has at most {MAX_FIELDS} fields; send fewer") from None


def read_bytes(request: Request) -> bytes:
    """Read the body, whatever it is; of one that is longer than the limit the beginning.

    Raises:
        Problem: 400, it did not arrive whole.
    """
    longest = request.max_content_length
    # What is too long is cut here, and nothing is refused for it.
    request.max_content_length = _ENDLESS
    try:
        return request.stream.read(-1 if longest is None else longest)
    except HTTPException:
        raise
    except Exception as error:
        # As in _data.
        raise _unreadable(f"the body did not arrive whole: {error}") from error


def parse_json(data: bytes) -> Any:
    """Read *data* as one JSON text in UTF-8, strictly.

    Raises:
        Problem: 400, naming what is wrong and where.
    """
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise _unreadable(f"byte {error.start} is not UTF-8; send the body in UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _unreadable(f"not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _unreadable(f"not JSON: {error}") from None
    _check_values(document)
    return document


def _check_media_type(request: Request, media_types: Collection[str]) -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    fits = (request.mimetype or JSON) in media_types and charset in {"utf-8", "utf8"}
    if media_types and not fits:
        wanted = " or ".join(media_types)
        said = request.headers.get("Content-Type", "what is not said")
        detail = f"the body is sent as {said}; send {wanted} in UTF-8"
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, [Fault("Content-Type", f"must be {wanted}")]
        )
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "the body is compressed; send it as it is",
            [Fault("Content-Encoding", "leave it out")],
        )


def _data(request: Request) -> bytes:
    try:
        data = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:
        # Servers raise errors of their own for malformed chunks; whatever it is, it
        # comes from reading what was sent.
        raise _unreadable(f"the body did not arrive whole: {error}") from error
    if request.max_content_length is not None and len(data) >= request.max_content_length:
        raise RequestEntityTooLarge
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise bad_request([Fault(key, "is given twice in one object; keep one of them")])
            seen.add(key)
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise _unreadable(f"{name} is not JSON; numbers must be finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _unreadable(f"{text} is too large for a number")
    return number


def _check_values(document: object) -> None:
    """Refuse deep nesting and texts that have no UTF-8 form; walks without recursion."""
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        for value in level:
            if isinstance(value, str):
                _check_text(value)
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise _too_deep()


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        escape = f"\\u{ord(text[error.start]):04x}"
        raise _unreadable(f"the text holds half a surrogate pair, {escape}") from None


def _too_deep() -> Problem:
    return _unreadable(f"objects and lists are nested deeper than {MAX_DEPTH} levels")


def _unreadable(message: str) -> Problem:
    return bad_request([Fault("", message)])


def _read_instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("write an instant as text, as 2026-12-01T02:30:00Z")
    return from_text(value)


#: An instant in a request body: RFC 3339 text, aware UTC once read.
Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

Model = TypeVar("Model")


def object_reader(kind: type[Model]) -> Callable[[dict[str, Any]], Model]:
    """Return a function that reads the flat dataclass *kind* or raises what answers 422."""
    adapter = TypeAdapter(kind)

    def read(document: dict[str, Any]) -> Model:
        try:
            return adapter.validate_python(document)
        except ValidationError as error:
            raise unprocessable(faults_of(error, {(): kind})) from None

    return read
