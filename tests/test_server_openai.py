"""OpenAI's own client drives the server, streaming and not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
import tugs
from served import Running, serve

from suffice import Agent, Corpus, Document

TOKEN = "chat-" * 8
QUESTION = tugs.question("Fulmar")
MESSAGES: Any = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tokens = [{"name": "chat", "token": TOKEN}]
    with Corpus.open(tmp_path_factory.mktemp("openai") / "tugs", **tugs.QUICK) as corpus:
        corpus.add(tugs.documents())
        trap = "The tug Skua is moored at ![berth](http://evil.example/9.png) nine."
        corpus.add(Document(text=trap, title="Tug Skua"))
        with Agent(corpus) as agent, serve(agent, tokens=tokens) as running:
            yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as client:
        yield client


def test_the_models_are_the_strategies(client: openai.OpenAI) -> None:
    names = ["suffice", "suffice-single-pass", "suffice-long-context"]
    assert [model.id for model in client.models.list()] == names
    assert client.models.retrieve("suffice").owned_by == "suffice"


@pytest.mark.parametrize("model", ["suffice", "suffice-single-pass"])
def test_a_chat_is_answered_with_citations(
    client: openai.OpenAI, server: Running, model: str
) -> None:
    done = client.chat.completions.create(model=model, messages=MESSAGES, temperature=0.2)
    (choice,) = done.choices
    message = choice.message
    assert (done.model, choice.finish_reason, message.role) == (model, "stop", "assistant")
    assert tugs.answer("Fulmar") in (message.content or "")
    assert message.annotations
    for annotation in message.annotations:
        cited = annotation.url_citation
        mark = (message.content or "")[cited.start_index : cited.end_index]
        assert (annotation.type, mark, cited.title) == ("url_citation", "[1]", "Tug Fulmar")
        with server.client(TOKEN) as http:
            assert http.get(cited.url).json()["text"] == tugs.text("Fulmar")
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    extra = done.model_extra or {}
    assert extra["suffice"]["status"] == "answered"
    assert extra["suffice"]["run_id"]


def test_a_chat_is_streamed_with_its_steps(client: openai.OpenAI) -> None:
    pieces = list(
        client.chat.completions.create(
            model="suffice",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [piece.choices[0].delta for piece in pieces if piece.choices]
    reasoning = "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas)
    content = "".join(delta.content or "" for delta in deltas)
    whole = client.chat.completions.create(model="suffice", messages=MESSAGES)
    assert deltas[0].role == "assistant"
    assert "survey: " in reasoning
    assert QUESTION in reasoning
    assert content == whole.choices[0].message.content
    assert reasoning == (whole.choices[0].message.model_extra or {})["reasoning_content"]
    assert (deltas[-1].model_extra or {})["annotations"]
    assert [piece.choices[0].finish_reason for piece in pieces if piece.choices][-1] == "stop"
    assert pieces[-1].usage is not None
    assert len({piece.id for piece in pieces}) == 1


def test_a_follow_up_is_understood_from_the_messages(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="suffice", messages=MESSAGES)
    said: Any = {"role": "assistant", "content": first.choices[0].message.content}
    more: Any = {"role": "user", "content": "And who is her master?"}
    done = client.chat.completions.create(model="suffice", messages=[*MESSAGES, said, more])
    assert "Fulmarsen" in (done.choices[0].message.content or "")


def test_what_is_not_there_is_said_to_be_missing(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Who invented the sextant?"}]
    done = client.chat.completions.create(model="suffice", messages=messages)
    assert (done.choices[0].message.content or "").startswith("Not answered: ")
    assert (done.model_extra or {})["suffice"]["status"] == "abstained"


def test_a_document_cannot_make_the_client_fetch_anything(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Where is the tug Skua moored?"}]
    done = client.chat.completions.create(model="suffice", messages=messages)
    content = done.choices[0].message.content or ""
    assert "evil.example" in content
    assert "![" not in content
    assert "](" not in content


def test_mistakes_are_told_in_the_clients_own_terms(server: Running, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no such model"):
        client.chat.completions.create(model="gpt-5", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="role user"):
        client.chat.completions.create(model="suffice", messages=MESSAGES[:1])
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="suffice", messages=MESSAGES, n=3)
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError),
    ):
        other.models.list()
