"""Answers in the form of OpenAI's chat completions, whole and in pieces."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from ...errors import QuestionError
from ...tools.reason.protocol import Turn
from ...tools.types import Answer, Usage
from ..words import NEAREST, WHY, clip, name_of

MOST_RECALLED = 2_000
"""Characters of an earlier message that count."""

LONGEST_LEAD = 80
"""Characters of a short answer that stands before the claims."""


class Part(BaseModel):
    """A part of a message; what is no text is left out."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("text", max_length=100)
    text: str = ""


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Return its text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream says at its end."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool = False


class Completion(BaseModel):
    """What a chat client sends. What concerns the model alone is taken and ignored."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=1_000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=1)


def question_of(messages: Sequence[Message]) -> str:
    """Return the last thing the person said. Raises `QuestionError`."""
    for message in reversed(messages):
        if message.role == "user" and message.text.strip():
            return message.text
    raise QuestionError("there is no message of the role user with a text to answer")


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """Return the turns before the last question: what was asked, and what was answered."""
    turns: list[Turn] = []
    asked = ""
    for message in messages:
        text = message.text.strip()[:MOST_RECALLED]
        if message.role == "user":
            asked = text
        elif message.role == "assistant" and asked:
            head, short, rest = text.partition("\n\n")
            lead = head if short and len(head) <= LONGEST_LEAD else ""
            turns.append(Turn(asked=asked, question=asked, lead=lead, text=rest if lead else text))
            asked = ""
    return turns


def content(answer: Answer) -> str:
    """Return what a chat client shows. Text of documents in it can only be read.

    These clients show Markdown: an image in it would be fetched, from wherever a document
    says. So what begins an image, a link, a definition or a tag is written out.
    """
    if answer.status in ("answered", "partial"):
        parts = [answer.text]
    else:
        parts = [f"Not answered: {WHY.get(answer.reason or '', 'no reason is known')}."]
        parts += [f"Nearest: {name_of(p)}: {clip(p.text, 200)}" for p in answer.passages[:NEAREST]]
    if answer.missing:
        parts.append(f"Missing: {'; '.join(answer.missing)}")
    return written_out("\n\n".join(parts))


_MARKDOWN = re.compile(r"(!)\[|(\])\(|(\]):|(?<!\\)<(?=[A-Za-z/!?])")


def written_out(text: str) -> str:
    """Return Markdown that shows `text`, without images, links and tags of its own."""

    def escaped(match: re.Match[str]) -> str:
        whole = match[0]
        return f"{whole[:-1]}\\{whole[-1]}"

    return _MARKDOWN.sub(escaped, text)


def cited_in(answer: Answer, text: str, base_url: str, corpus: str) -> list[dict[str, Any]]:
    """Return a URL citation for each number in the text, with the document as it is stored."""
    cited = {citation.number: citation for citation in answer.citations}
    found = []
    for mark in re.finditer(r"\[(\d+)\]", text):
        citation = cited.get(int(mark[1]))
        if citation is None:
            continue
        place = quote(citation.document_id, safe="")
        found.append(
            {
                "type": "url_citation",
                "url_citation": {
                    "url": f"{base_url}/v1/corpus/documents/{place}?corpus={quote(corpus)}",
                    "title": citation.title or citation.source,
                    "start_index": mark.start(),
                    "end_index": mark.end(),
                },
            }
        )
    return found


def usage(used: Usage) -> dict[str, int]:
    """Return tokens in and out, of all model calls of the run."""
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }


def beside(answer: Answer) -> dict[str, Any]:
    """Return what the form has no place for: status, confidence, what is missing, the run."""
    kept = {"status", "reason", "confidence", "missing", "run_id"}
    return {
        **answer.model_dump(mode="json", include=kept),
        "usage": answer.usage.model_dump(mode="json"),
    }


class Wire:
    """One completion, whole or in pieces, under one id."""

    def __init__(self, model: str, run_id: str) -> None:
        self._common = {
            "id": f"chatcmpl-{run_id}",
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, answer: Answer, reasoning: str, base_url: str, corpus: str) -> dict[str, Any]:
        """Return the answer as one document."""
        text = content(answer)
        message = {
            "role": "assistant",
            "content": text,
            "refusal": None,
            "reasoning_content": reasoning,
            "annotations": cited_in(answer, text, base_url, corpus),
        }
        return {
            **self._common,
            "object": "chat.completion",
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            ],
            "usage": usage(answer.usage),
            "suffice": beside(answer),
        }

    def piece(
        self, delta: dict[str, Any], finish: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return one piece of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._common, "object": "chat.completion.chunk", "choices": [choice], **more}

    def last(self, answer: Answer) -> dict[str, Any]:
        """Return the piece after all others, which tells the usage."""
        return {
            **self._common,
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": usage(answer.usage),
        }
