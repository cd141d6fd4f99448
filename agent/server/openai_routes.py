"""OpenAI's own endpoints, so that chat clients work unchanged.

The steps of a run are the model's reasoning. The answer itself comes when its quotes have
been found: a client cannot take back what it has shown.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from fastapi.sse import format_sse_event

from ...errors import QuestionError
from ...graphs.events import NodeFinished
from ...tools.types import Answer
from ..words import step_lines
from . import sse
from .ask_routes import Ask, answered, started, until_gone
from .hosted import STRATEGIES, By, Here, Served
from .openai_wire import Completion, Wire, beside, cited_in, content, question_of, turns_of
from .refusals import body, refusal
from .runs import LiveRun, Said

router = APIRouter(prefix="/v1", tags=["OpenAI"])

FAMILY = "suffice"
_DONE = b"data: [DONE]\n\n"


@router.get("/models")
async def models(served: Here, caller: By) -> dict[str, Any]:
    """List the models: one for each strategy and corpus."""
    return {"object": "list", "data": [_model(name) for name in _names(served)]}


@router.get("/models/{model}")
async def model(model: str, served: Here, caller: By) -> dict[str, Any]:
    """Return one model."""
    _chosen(served, model)
    return _model(model)


@router.post("/chat/completions")
async def complete(request: Request, asked: Completion, served: Here, caller: By) -> Any:
    """Answer the last message of a conversation."""
    strategy, corpus = _chosen(served, asked.model)
    try:
        question = question_of(asked.messages)
    except QuestionError as error:
        raise refusal(400, str(error)) from None
    wanted = Ask(question=question, corpus=corpus, strategy=strategy)
    run = await started(served, caller, wanted, turns_of(asked.messages))
    wire, base = Wire(asked.model, run.id), base_url(served, request)
    if asked.stream:
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        return sse.EventStream(
            _pieces(served, run, wire, base, with_usage),
            lambda: served.live.leave(run),
            {"X-Run-Id": run.id},
        )
    try:
        reasoning = await until_gone(request, _reasoning(served, run))
    finally:
        served.live.leave(run)
    answer = _unless_failed(answered(run))
    whole = wire.whole(answer, reasoning, base, run.corpus)
    return JSONResponse(whole, headers={"X-Run-Id": run.id})


async def _reasoning(served: Served, run: LiveRun) -> str:
    return "".join([_step(said) async for said in served.live.follow(run) if said])


async def _pieces(
    served: Served, run: LiveRun, wire: Wire, base: str, with_usage: bool
) -> AsyncGenerator[bytes]:
    """Yield the steps as they come, then the answer, claim by claim."""
    yield _sent(wire.piece({"role": "assistant", "content": ""}))
    async for said in served.live.follow(run):
        if said is None:
            yield sse.HEARTBEAT
        elif step := _step(said):
            yield _sent(wire.piece({"reasoning_content": step}))
    answer = run.answer
    if answer is None or answer.status == "failed":
        yield _sent(body("unavailable", "the run ended without an answer"))
        yield _DONE
        return
    text = content(answer)
    for line in text.splitlines(keepends=True):
        yield _sent(wire.piece({"content": line}))
    cited = cited_in(answer, text, base, run.corpus)
    yield _sent(wire.piece({"annotations": cited}, "stop", suffice=beside(answer)))
    if with_usage:
        yield _sent(wire.last(answer))
    yield _DONE


def _step(said: Said) -> str:
    """Return what a step concluded, in lines; "" for what says nothing."""
    if said.type != "node_finished":
        return ""
    ended = NodeFinished.model_validate_json(said.text)
    return "".join(f"{ended.node}: {' '.join(line.split())}\n" for line in step_lines(ended))


def _sent(value: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=sse.one_line(json.dumps(value, ensure_ascii=False)))


def _unless_failed(answer: Answer) -> Answer:
    if answer.status == "failed":
        raise refusal(503, "a part that is needed cannot be reached", "try again later")
    return answer


def base_url(served: Served, request: Request) -> str:
    """Return the address of this server as the caller knows it, without a slash at the end."""
    return (served.serving.public_url or str(request.base_url)).rstrip("/")


# Models


def _names(served: Served) -> list[str]:
    others = list(served.hosted)[1:]
    strategies = [_named(strategy) for strategy in STRATEGIES]
    return [
        *strategies,
        *(f"{name}@{corpus}" for corpus in others for name in strategies),
    ]


def _named(strategy: str) -> str:
    if strategy == "iterative":
        return FAMILY
    return f"{FAMILY}-{strategy.replace('_', '-')}"


def _chosen(served: Served, model: str) -> tuple[str, str | None]:
    """Return the strategy and the corpus of a model. Raises a 404."""
    if model not in _names(served):
        known = ", ".join(_names(served))
        raise refusal(404, "there is no such model", f"there are: {known}")
    name, _, corpus = model.partition("@")
    by_name = {_named(strategy): strategy for strategy in STRATEGIES}
    return by_name[name], corpus or None


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": FAMILY}
