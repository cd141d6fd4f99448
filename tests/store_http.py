"""A small Qdrant server: its wire format over HTTP, with qdrant-client's local mode inside.

It speaks the part of the protocol that a store uses, so that requests and replies go
through the real client, real JSON and a real socket. Like the real one it refuses to
facet a field without an index, and wants the API key if it was given one.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models


class QdrantHttp:
    """A running server. `trouble` holds replies (status, headers) to give before any other."""

    def __init__(self, api_key: str | None = None) -> None:
        self.api_key = api_key
        self.trouble: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.client = QdrantClient(":memory:", force_disable_check_same_thread=True)
        self.indexes: dict[str, dict[str, Any]] = defaultdict(dict)
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.client.close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Return the result of a request; raises `KeyError` for what there is not."""
        parts = re.fullmatch(r"/collections/([^/]+)(/[a-z/]+)?", path)
        assert parts, path
        name, action = parts[1], f"{method} {parts[2] or ''}".strip()
        if action not in ("GET /exists", "PUT") and not self.client.collection_exists(name):
            raise KeyError(f"Not found: Collection `{name}` doesn't exist!")
        return _ACTIONS[action](self, name, body)


def _parsed(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value) if value is not None else None


def _create(server: QdrantHttp, name: str, body: dict[str, Any]) -> bool:
    asked = models.CreateCollection.model_validate(body)
    return server.client.create_collection(
        name, vectors_config=asked.vectors or {}, sparse_vectors_config=asked.sparse_vectors
    )


def _delete_collection(server: QdrantHttp, name: str, body: dict[str, Any]) -> bool:
    server.indexes.pop(name, None)
    return server.client.delete_collection(name)


def _info(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    info = json.loads(server.client.get_collection(name).model_dump_json())
    info["payload_schema"] = server.indexes[name]
    return info


def _index(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    server.indexes[name][body["field_name"]] = {"data_type": body["field_schema"], "points": 0}
    return {"operation_id": 1, "status": "completed"}


def _upsert(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    return server.client.upsert(name, points=_parsed(list[models.PointStruct], body["points"]))


def _retrieve(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    asked = models.PointRequest.model_validate(body)
    return server.client.retrieve(
        name, asked.ids, with_payload=asked.with_payload, with_vectors=asked.with_vector or False
    )


def _delete(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    return server.client.delete(name, points_selector=_parsed(models.PointsSelector, body))


def _set_payload(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    return server.client.set_payload(name, payload=body["payload"], points=body["points"])


def _query(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    asked = models.QueryRequestBatch.model_validate(body)
    return server.client.query_batch_points(name, asked.searches)


def _scroll(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    points, after = server.client.scroll(
        name,
        scroll_filter=asked.filter,
        limit=asked.limit or 10,
        offset=asked.offset,
        with_payload=asked.with_payload,
        with_vectors=asked.with_vector or False,
    )
    return models.ScrollResult(points=points, next_page_offset=after)


def _count(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    asked = models.CountRequest.model_validate(body)
    return server.client.count(name, count_filter=asked.filter)


def _facet(server: QdrantHttp, name: str, body: dict[str, Any]) -> Any:
    if body["key"] not in server.indexes[name]:
        raise ValueError(f"No appropriate index for faceting: `{body['key']}`")
    return server.client.facet(name, body["key"], limit=body["limit"], exact=body["exact"])


_ACTIONS: dict[str, Callable[[QdrantHttp, str, dict[str, Any]], Any]] = {
    "GET /exists": lambda server, name, _: {"exists": server.client.collection_exists(name)},
    "GET": _info,
    "PUT": _create,
    "DELETE": _delete_collection,
    "PUT /index": _index,
    "PUT /points": _upsert,
    "POST /points": _retrieve,
    "POST /points/delete": _delete,
    "POST /points/payload": _set_payload,
    "POST /points/query/batch": _query,
    "POST /points/scroll": _scroll,
    "POST /points/count": _count,
    "POST /facet": _facet,
}


def _handler(server: QdrantHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, key = self.path.partition("?")[0], self.headers.get("api-key")
            with server.lock:
                server.asked.append(f"{self.command} {path}")
                request = (self.command, path, json.loads(body or b"{}"))
                status, headers, reply = _reply(server, key, *request)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _reply(
    server: QdrantHttp, key: str | None, method: str, path: str, body: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    if server.trouble:
        status, headers = server.trouble.pop(0)
        return status, headers, _error(f"trouble, and the key was {key}")
    if server.api_key and key != server.api_key:
        return 401, {}, _error("Must provide an API key or an Authorization bearer token")
    try:
        result = server.answer(method, path, body)
    except KeyError as error:
        return 404, {}, _error(error.args[0])
    except ValueError as error:
        return 400, {}, _error(str(error))
    dumped = TypeAdapter(Any).dump_json(result)
    return 200, {}, b'{"status": "ok", "time": 0.1, "result": ' + dumped + b"}"


def _error(message: str) -> bytes:
    return json.dumps({"status": {"error": message}, "time": 0.0}).encode()
