"""What is written in the form, and the definition that it means.

Words
-----
texts
    What stands in the form: a text for each control, by its name.
document
    A definition as it is written in the API, without what is as by default.

Rules
-----
1. What nobody has touched stays: a control whose text is what was shown for the document that is
   edited leaves its value alone, whatever that is, and so does every field without a control.
2. Of a part only the chosen kind counts; another kind than before begins with nothing.
3. A row without its key is none.  An object that is nothing without one of its fields (``after``
   without jobs) is left out with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from executor.domain.errors import Fault
from web.ui.controls import Control
from web.ui.notations import ABSENT
from web.ui.sheet import PARTS, ROWS, Rows, controls

Texts = Mapping[str, str]
Document = Mapping[str, Any]

#: What is chosen of a part if the document does not say.
_USUAL: Final = {"target": "http", "schedule": "cron"}

#: The schedule of a document that has none.
NO_SCHEDULE: Final = "none"

#: Objects, and the fields of which they need at least one.
_NEEDED: Final = {
    ("after",): ("jobs",),
    ("target", "sign"): ("secret",),
    ("target", "expect_body"): ("contains", "json_pointer", "equals"),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What a form means.

    Attributes:
        document: to be judged by the definition.
        faults: what could not be read at all, by the names of controls.
        places: the paths of the document's fields, and the names of their controls.
    """

    document: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def control_of(self, path: str) -> str:
        """Return the name of the control that shows what is wrong at *path*; empty if none."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition(".")[0]
        return ""


def texts_of(document: Document, *, new: bool = False) -> dict[str, str]:
    """Return what the form shows for *document*; ``new``: of a job that is yet to be made."""
    texts = {}
    for part, usual in _USUAL.items():
        kind = (document.get(part) or {}).get("kind")
        texts[f"{part}.kind"] = kind or (NO_SCHEDULE if part == "schedule" and not new else usual)
    for control in controls():
        texts[control.name] = _shown(control, document)
    for rows in ROWS:
        for number in range(len(document.get(rows.name, ()))):
            texts.update(_row_texts(rows, number, document))
    return texts


def _row_texts(rows: Rows, number: int, document: Document) -> dict[str, str]:
    found = [control.in_row(rows.name, number) for control in rows.controls]
    return {control.name: _shown(control, document) for control in found}


def _shown(control: Control, document: Document) -> str:
    value = _value(control, document)
    if value is ABSENT:
        value = control.default
        return "" if value is None else control.notation.show(value)
    if control.widget == "flags":
        # In the order in which browsers send them.
        value = [one for one, _ in control.options if one in value]
    return control.notation.show(value)


def _value(control: Control, document: Document) -> Any:
    if control.kind and _kind_of(document, control.part) != control.kind:
        return ABSENT
    found: Any = document
    for step in control.place:
        if isinstance(found, Sequence) and step.isdecimal():
            found = found[int(step)] if int(step) < len(found) else ABSENT
        elif isinstance(found, Mapping) and step in found:
            found = found[step]
        else:
            return ABSENT
    return found


def _kind_of(document: Document, part: str) -> str:
    return str((document.get(part) or {}).get("kind", ""))


def texts_from(form: MultiDict[str, str]) -> dict[str, str]:
    """Return what a browser sent."""
    texts = {f"{part}.kind": form.get(f"{part}.kind", usual) for part, usual in _USUAL.items()}
    for control in controls():
        texts[control.name] = _sent(control, form)
    for rows in ROWS:
        for number in _numbers(rows, form):
            for control in rows.controls:
                one = control.in_row(rows.name, number)
                texts[one.name] = _sent(one, form)
    return texts


def _sent(control: Control, form: MultiDict[str, str]) -> str:
    if control.widget == "flags":
        return ",".join(form.getlist(control.name))
    # Browsers part lines by two characters, whatever they were given.
    return form.get(control.name, "").replace("\r\n", "\n").replace("\r", "\n")


def _numbers(rows: Rows, texts: Mapping[str, Any]) -> Iterator[int]:
    """Yield the numbers of the rows that are there, in order."""
    for number in count():
        if f"{rows.name}.{number}.{rows.key}" not in texts:
            return
        yield number


def row_count(rows: Rows, texts: Texts) -> int:
    """Return how many rows of *rows* are written, with empty ones between them."""
    full = [n for n in _numbers(rows, texts) if texts[f"{rows.name}.{n}.{rows.key}"].strip()]
    return full[-1] + 1 if full else 0


def written(texts: Texts, before: Document) -> Written:
    """Return what *texts* mean in a form that showed *before* at first."""
    draft = Written(deepcopy(dict(before)))
    for part in PARTS:
        _choose(draft, part, texts.get(f"{part}.kind", ""))
    for control in controls():
        if not control.kind or control.kind == texts.get(f"{control.part}.kind"):
            path = ".".join(control.place)
            draft.places[path] = control.name
            _write(draft, draft.document, control, texts, before, control.place)
    for rows in ROWS:
        _write_rows(draft, rows, texts, before)
    _leave_out(draft.document, before)
    return draft


def _choose(draft: Written, part: str, kind: str) -> None:
    draft.places[part] = draft.places[f"{part}.kind"] = f"{part}.kind"
    if kind == NO_SCHEDULE:
        draft.document.pop(part, None)
    elif _kind_of(draft.document, part) != kind:
        draft.document[part] = {"kind": kind}


def _write(
    draft: Written,
    document: dict[str, Any],
    control: Control,
    texts: Texts,
    before: Document,
    place: Sequence[str],
) -> None:
    """Set in *document*, at *place*, what somebody wrote into *control*, if he has touched it."""
    text = texts.get(control.name, "")
    if _same(control, text, _shown(control, before)):
        return
    try:
        value = control.notation.read(text)
    except ValueError as error:
        draft.faults.append(Fault(control.name, str(error)))
        return
    *steps, last = place
    for step in steps:
        if not isinstance(document.get(step), dict):
            document[step] = {}
        document = document[step]
    if value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = value


def _same(control: Control, text: str, shown: str) -> bool:
    """Whether *text* is what a browser sends back of *shown*."""
    shown = shown.replace("\r\n", "\n").replace("\r", "\n")
    return text == (shown if control.widget == "area" else shown.replace("\n", ""))


def _write_rows(draft: Written, rows: Rows, texts: Texts, before: Document) -> None:
    """Set the rows of *rows*; those without a key are left out, and so is a list of none."""
    was = before.get(rows.name, ())
    now: list[dict[str, Any]] = []
    draft.places[rows.name] = f"{rows.name}.0.{rows.key}"
    for number in _numbers(rows, texts):
        stood = number < len(was)
        if not _is_row(rows, number, texts, before if stood else {}):
            continue
        row = deepcopy(dict(was[number])) if stood else {}
        for control in rows.controls:
            one = control.in_row(rows.name, number)
            draft.places[f"{rows.name}.{len(now)}.{control.path}"] = one.name
            _write(draft, row, one, texts, before, control.place)
        now.append(row)
    if now:
        draft.document[rows.name] = now
    else:
        draft.document.pop(rows.name, None)


def _is_row(rows: Rows, number: int, texts: Texts, before: Document) -> bool:
    """Whether something is written in a row: its key, be it that of *before*, untouched."""
    [key] = [one for one in rows.controls if one.path == rows.key]
    one = key.in_row(rows.name, number)
    text = texts[one.name]
    stood = _value(one, before) is not ABSENT
    return bool(text.strip()) or (stood and _same(one, text, _shown(one, before)))


def _leave_out(document: dict[str, Any], before: Document) -> None:
    """Leave out the objects that are nothing without what is missing in them, or are empty."""
    for place, needed in _NEEDED.items():
        *steps, last = place
        holder = document.get(steps[0], {}) if steps else document
        inner = holder.get(last)
        if isinstance(inner, dict) and not any(one in inner for one in needed):
            del holder[last]
    for name in [name for name, one in document.items() if one == {} and name not in before]:
        del document[name]


def merged(texts: Texts, before: Document, now: Document) -> tuple[dict[str, str], list[str]]:
    """Return *texts*, written over *before*, as they are over *now*, and what both have changed.

    What was not touched is as it is now; the names are of controls where *texts* prevail.
    """
    blank = _blank_rows(texts)
    old, new = {**blank, **texts_of(before)}, {**blank, **texts_of(now)}
    both, result = [], dict(new)
    for name, text in texts.items():
        if text.strip() == old[name].strip():
            continue
        result[name] = text
        if new[name] not in {old[name], text}:
            both.append(name)
    return result, both


def _blank_rows(texts: Texts) -> dict[str, str]:
    """Return what the rows of *texts* show while nothing is written in them."""
    found: dict[str, str] = {}
    for rows in ROWS:
        for number in _numbers(rows, texts):
            found.update(_row_texts(rows, number, {}))
    return found
