"""Reads a reply of a given form out of whatever a model wrote around it.

Finding the JSON is lenient: think-tags, fences and prose are passed over, and a null is a
field left out. Believing it is strict: types are not coerced, required fields are required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Form = TypeVar("Form", bound=BaseModel)

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(r"\A.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)
_UNSUPPORTED = ("title", "default", "minItems", "maxItems", "minLength", "maxLength", "format")


class FormError(ValueError):
    """A reply is not of the form asked for; the message is fit to be sent to the model."""


def read_form(text: str, schema: type[Form]) -> Form:
    """Return the last JSON object in `text` that is a valid `schema`.

    Raises:
        FormError: there is none; says what was wrong with the last one.
    """
    spoken = without_thoughts(text)
    if not spoken.strip():
        raise FormError("the reply was empty")
    problem = f"there was no JSON object in it, but: {spoken.strip()[:80]!r}"
    for found in reversed(list(_objects(spoken))):
        try:
            return schema.model_validate_json(json.dumps(_without_nulls(found)), strict=True)
        except ValidationError as error:
            problem = _said(error)
    raise FormError(problem)


def _without_nulls(value: Any) -> Any:
    """Leave out what is null: models write it for a field they have nothing for."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def without_thoughts(text: str) -> str:
    """Return what a reasoning model says after thinking aloud."""
    return _THOUGHT_END.sub("", _THOUGHT.sub("", text))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text, outermost only; nothing from inside a broken-off one."""
    position = text.find("{")
    while position >= 0:
        try:
            found, end = _DECODER.raw_decode(text, position)
        except RecursionError:
            return
        except json.JSONDecodeError as error:
            broken_off = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
            if broken_off:
                return
            end = position + 1
        else:
            yield found
        position = text.find("{", end)


def _said(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"at {place or 'the top'}: {first['msg']}"


def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema as structured-output servers want it: every object closed,
    every field required, no keyword that some of them refuse."""
    strict = _strict(schema.model_json_schema())
    assert isinstance(strict, dict)
    return strict


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in _UNSUPPORTED}
    if isinstance(node.get("properties"), dict):
        fields = {name: _strict(value) for name, value in node["properties"].items()}
        rest = {
            key: _strict(v) for key, v in kept.items() if key not in ("properties", "description")
        }
        closed = {"required": list(fields), "additionalProperties": False}
        return {**rest, "properties": fields, **closed}
    return {key: _strict(value) for key, value in kept.items() if key != "description"}


def shown_form(schema: type[BaseModel]) -> str:
    """Return the form in words, for models whose server cannot be told a schema."""
    whole = schema.model_json_schema()
    shape = _shape(whole, whole.get("$defs", {}))
    return f"Reply with one JSON object of this form and nothing else:\n{shape}"


def _shape(node: dict[str, Any], named: dict[str, Any]) -> str:
    if "$ref" in node:
        return _shape(named[node["$ref"].rpartition("/")[2]], named)
    if "properties" in node:
        fields = (f'"{name}": {_shape(value, named)}' for name, value in node["properties"].items())
        return "{" + ", ".join(fields) + "}"
    if node.get("type") == "array":
        return f"[{_shape(node.get('items', {}), named)}, ...]"
    return str(node.get("type", "string"))
