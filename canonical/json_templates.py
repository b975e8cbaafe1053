"""Paths into JSON documents and JSON made from templates: what a profile says of a provider's API, as data.

A path is names and indexes with dots between: `data.0.id`, `metadata.reference`; an empty path is the document itself.
A template is any JSON whose texts may hold `{name}`. A text that is one field alone keeps the field's type: `"{amount_minor}"`
becomes a number, `"{amount_minor:text}"` its digits as text, and `"{amount:number}"` the decimal text as a JSON number, digit
by digit and never through a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

FIELD: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?::(text|number))?\}")
RAW_NUMBER: Final = r'"\\u0000(-?[0-9]+(?:\.[0-9]+)?)\\u0000"'
"""How a number that is written digit by digit stands in encoded JSON before `unquoted`."""


def find(document: Any, path: str) -> Any:
    """What stands at the path, None where nothing does."""
    for step in path.split(".") if path else ():
        if isinstance(document, Mapping):
            document = document.get(step)
        elif (
            isinstance(document, list) and step.lstrip("-").isdecimal() and -len(document) <= int(step) < len(document)
        ):
            document = document[int(step)]
        else:
            return None
    return document


def text_at(document: Any, path: str | None) -> str | None:
    """The text or number at the path as text; None where there is none, or no path."""
    found = None if path is None else find(document, path)
    return None if found is None or isinstance(found, (dict, list)) else str(found)


def fields(template: Any) -> Iterator[str]:
    """Names of all fields of a template."""
    if isinstance(template, str):
        yield from (match.group(1) for match in FIELD.finditer(template))
    elif isinstance(template, Mapping):
        for item in template.values():
            yield from fields(item)
    elif isinstance(template, (list, tuple)):
        for item in template:
            yield from fields(item)


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its fields filled in.

    Raises:
        KeyError: a field without a value.
    """
    if isinstance(template, str):
        alone = FIELD.fullmatch(template)
        if alone:
            value, form = values[alone.group(1)], alone.group(2)
            return value if form is None or value is None else str(value) if form == "text" else f"\0{value}\0"
        return FIELD.sub(lambda match: str(values[match.group(1)]), template)
    if isinstance(template, Mapping):
        return {key: filled(item, values) for key, item in template.items()}
    if isinstance(template, (list, tuple)):
        return [filled(item, values) for item in template]
    return template


def encoded(document: Any) -> bytes:
    """JSON of a filled template, numbers as their digits were."""
    return re.sub(RAW_NUMBER, r"\1", json.dumps(document)).encode()
