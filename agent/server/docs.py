"""A page that shows every endpoint, made from the OpenAPI document: no script, no CDN."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_REF = "#/components/schemas/"


def docs_page(openapi: Mapping[str, Any]) -> str:
    """Return the page as HTML. All text in it is escaped."""
    title = escape(f"{openapi['info']['title']} {openapi['info']['version']}")
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}: the endpoints</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="stylesheet" href="/docs.css"></head><body><main>',
        f"<h1>{title}</h1>",
        f"<p>{escape(openapi['info'].get('description', ''))} "
        'For programs: <a href="/openapi.json">openapi.json</a>.</p>',
        *_operations(openapi),
        "<h2>The forms</h2>",
        *_schemas(openapi.get("components", {}).get("schemas", {})),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _operations(openapi: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            group = (operation.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_operation(path, method, operation))
    for group, shown in groups.items():
        yield f"<h2>{escape(group.capitalize())}</h2>"
        yield from shown


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(p['name'])}</code> ({escape(p['in'])}"
        f"{', needed' if p.get('required') else ''}) {escape(_kind(p.get('schema', {})))} "
        f"{escape(p.get('schema', {}).get('description', ''))}</li>"
        for p in operation.get("parameters", ())
    )
    body = operation.get("requestBody", {}).get("content", {})
    takes = ", ".join(f"{kind}: {_kind(form.get('schema', {}))}" for kind, form in body.items())
    gives = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer.get('description', ''))} "
        f"{escape(_given(answer))}</li>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<section><h3><code>{escape(method.upper())} {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
        + (f"<ul>{parameters}</ul>" if parameters else "")
        + (f"<p>Takes {escape(takes)}</p>" if takes else "")
        + f"<details><summary>Answers</summary><ul>{gives}</ul></details></section>"
    )


def _given(answer: Mapping[str, Any]) -> str:
    kinds = (_kind(form.get("schema", {})) for form in answer.get("content", {}).values())
    return " or ".join(dict.fromkeys(filter(None, kinds)))


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        text = json.dumps(schema, indent=2, ensure_ascii=False)
        yield (
            f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> '
            f"{escape(schema.get('description', ''))}</summary><pre>{escape(text)}</pre></details>"
        )


def _kind(schema: Mapping[str, Any]) -> str:
    """Name the type of a schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {})) or 'anything'}"
    return str(schema.get("type", ""))
