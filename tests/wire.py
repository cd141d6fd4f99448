"""A local HTTP server that speaks OpenAI's and Anthropic's wire formats, and every fault of them.

The real client libraries run against it:

    with WireServer(lambda asked: '{"word": "yes"}') as server:
        server.faults = ["500"]                      # one a request, then none
        model = open_model(f"openai:any @ {server.url}/v1")
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PASSING = ("429", "429-date", "500", "503", "overloaded", "slow", "cut", "html", "no-choices")
"""Faults of one attempt, which the next may be free of."""

GARBLED = ("truncated", "length", "types", "empty", "bare-prose", "thinking-only")
"""Replies that cannot be used, and are asked for once more."""

READABLE = ("prose", "think", "fences", "nulls")
"""Replies that can be read all the same."""

REFUSALS = ("refusal", "filter", "context", "400", "401", "403", "no-credit")
"""The provider says no."""

ALL_FAULTS = PASSING + GARBLED + READABLE + REFUSALS

_STATUS = {
    "429": (429, "rate_limit_error", "slow down"),
    "429-date": (429, "rate_limit_error", "slow down"),
    "500": (500, "api_error", "internal error"),
    "503": (503, "api_error", "no capacity"),
    "overloaded": (529, "overloaded_error", "overloaded"),
    "400": (400, "invalid_request_error", "the model field is malformed"),
    "401": (401, "authentication_error", "invalid key {key}"),
    "403": (403, "permission_error", "not for you"),
    "no-credit": (429, "insufficient_quota", "insufficient_quota: check your billing"),
}
_STOP_REASON = {
    "stop": "end_turn",
    "length": "max_tokens",
    "refusal": "refusal",
    "content_filter": "refusal",
}
_CONTEXT = "This model's maximum context length is 8 tokens; prompt is too long"


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def provider(self) -> str:
        return "anthropic" if self.path.endswith("/messages") else "openai"

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def system(self) -> str:
        if self.provider == "anthropic":
            return str(self.body["system"][0]["text"])
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def structured(self) -> bool:
        form = self.body.get("response_format") or {}
        output = self.body.get("output_config") or {}
        return form.get("type") == "json_schema" or "format" in output


@dataclass
class WireServer:
    """Answers with what `say` makes of a request. `lacking` names fields it does not know."""

    say: Callable[[Asked], str]
    faults: list[str] = field(default_factory=list)
    always: str = ""
    lacking: tuple[str, ...] = ()
    retry_after: str = "0"
    requests: list[Asked] = field(default_factory=list)

    def __enter__(self) -> WireServer:
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def next_fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always


def _handler(wire: WireServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            asked = Asked(self.path, dict(self.headers), json.loads(self.rfile.read(length)))
            with wire.lock:
                wire.requests.append(asked)
            try:
                _Turn(wire, self, asked).take()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return Handler


@dataclass
class _Turn:
    """One request being answered."""

    wire: WireServer
    http: BaseHTTPRequestHandler
    asked: Asked

    def take(self) -> None:
        for name in self.wire.lacking:
            if name in self.asked.body and not _tolerated(name, self.asked.body[name]):
                self._error(400, "invalid_request_error", f"Unsupported parameter: '{name}'")
                return
        fault = self.wire.next_fault()
        if fault in _STATUS:
            status, kind, message = _STATUS[fault]
            key = self.asked.headers.get("Authorization", "") or self.asked.headers.get("X-Api-Key")
            self._error(status, kind, message.format(key=key), fault)
        elif fault == "context":
            self._error(400, "context_length_exceeded", _CONTEXT)
        elif fault == "html":
            self._send(200, b"<html>a proxy's page</html>", "text/html")
        elif fault == "no-choices":
            self._send(200, json.dumps({"error": {"message": "upstream is away"}}).encode())
        elif fault == "slow":
            self._drip()
        else:
            self._speak(fault)

    def _speak(self, fault: str) -> None:
        text = _garble(self.wire.say(self.asked), fault)
        finish = {"refusal": "refusal", "filter": "content_filter", "length": "length"}.get(
            fault, "stop"
        )
        if self.asked.streams:
            self._stream(_events(self.asked, text, finish), cut=fault == "cut")
            return
        body = json.dumps(_whole(self.asked, text, finish)).encode()
        if fault == "cut":
            self._head(200, "application/json", len(body))
            self.http.wfile.write(body[: len(body) // 2])
            self.http.close_connection = True
        else:
            self._send(200, body)

    def _stream(self, events: list[str], *, cut: bool) -> None:
        self._head(200, "text/event-stream", None)
        for event in events[: len(events) // 2] if cut else events:
            data = event.encode()
            self.http.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.http.wfile.flush()
        if cut:
            self.http.close_connection = True
        else:
            self.http.wfile.write(b"0\r\n\r\n")

    def _drip(self) -> None:
        """Send a blank now and then, for as long as the client stays."""
        self._head(200, "application/json", 100_000)
        for _ in range(2000):
            self.http.wfile.write(b" ")
            self.http.wfile.flush()
            if self.wire.stopping.wait(0.01):
                break
        self.http.close_connection = True

    def _error(self, status: int, kind: str, message: str, fault: str = "") -> None:
        if self.asked.provider == "anthropic":
            body: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": message}}
        else:
            body = {"error": {"message": message, "type": kind, "code": kind}}
        extra = {"Retry-After": self.wire.retry_after} if fault == "429" else {}
        if fault == "429-date":
            extra = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
        self._send(status, json.dumps(body).encode(), extra=extra)

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        extra: dict[str, str] | None = None,
    ) -> None:
        self._head(status, kind, len(body), extra)
        self.http.wfile.write(body)

    def _head(
        self, status: int, kind: str, length: int | None, extra: dict[str, str] | None = None
    ) -> None:
        self.http.send_response(status)
        self.http.send_header("Content-Type", kind)
        if length is None:
            self.http.send_header("Transfer-Encoding", "chunked")
        else:
            self.http.send_header("Content-Length", str(length))
        for name, value in (extra or {}).items():
            self.http.send_header(name, value)
        self.http.end_headers()


def _tolerated(name: str, value: Any) -> bool:
    """A server without schemas may still know "a JSON object"; one without efforts, forms."""
    return name == "response_format" and value.get("type") == "json_object"


def _garble(text: str, fault: str) -> str:
    if fault == "types":
        return text.replace('"part": ', '"part": "no number" , "was": ').replace(
            '"word": ', '"word": 7, "was": '
        )
    return {
        "truncated": text[: len(text) * 2 // 3],
        "length": text[: len(text) // 3],
        "empty": "",
        "bare-prose": "I am sure that I can help you with that.",
        "thinking-only": "<think>Let me see. " + text,
        "prose": f"Certainly! Here is {{the}} reply:\n{text}\nI hope this helps.",
        "think": f"<think>The form is {{}} or {text[:20]}</think>\n{text}",
        "fences": f"```json\n{text}\n```",
        "nulls": text.replace("}", ', "missing": null}', 1) if text.startswith("{") else text,
        "refusal": "I cannot help with that.",
        "filter": "",
    }.get(fault, text)


def _whole(asked: Asked, text: str, finish: str) -> dict[str, Any]:
    if asked.provider == "anthropic":
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.body["model"],
            "content": [{"type": "text", "text": text}] if text else [],
            "stop_reason": _STOP_REASON[finish],
            "stop_sequence": None,
            "usage": {
                "input_tokens": 100,
                "output_tokens": 20,
                "cache_read_input_tokens": 50,
                "cache_creation_input_tokens": 10,
            },
        }
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if finish == "refusal":
        message, finish = {"role": "assistant", "content": None, "refusal": text}, "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _OPENAI_USAGE,
    }


_OPENAI_USAGE = {
    "prompt_tokens": 160,
    "completion_tokens": 20,
    "total_tokens": 180,
    "prompt_tokens_details": {"cached_tokens": 50},
}


def _events(asked: Asked, text: str, finish: str) -> list[str]:
    pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
    if asked.provider == "anthropic":
        return _anthropic_events(asked, pieces, finish)
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if finish == "refusal":
        deltas += [{"refusal": piece} for piece in pieces]
        finish = "stop"
    else:
        deltas += [{"content": piece} for piece in pieces]
    chunks: list[dict[str, Any]] = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if asked.body.get("stream_options"):
        chunks.append(head | {"choices": [], "usage": _OPENAI_USAGE})
    return [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]


def _anthropic_events(asked: Asked, pieces: list[str], finish: str) -> list[str]:
    start = _whole(asked, "", "stop") | {"stop_reason": None}
    reason = _STOP_REASON[finish]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}}
        for p in pieces
    ]
    events += [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 20},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
