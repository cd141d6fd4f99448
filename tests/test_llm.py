"""The real client libraries against a local server: what a model call survives, and what not."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from pydantic import BaseModel
from wire import GARBLED, PASSING, READABLE, REFUSALS, WireServer

from suffice.errors import (
    BudgetExceeded,
    CallFailed,
    CallRefused,
    ProviderMissing,
    ReplyInvalid,
    SettingsError,
)
from suffice.prompts import Prompt
from suffice.tools.llm import default_model, open_model
from suffice.tools.llm.prices import PRICES, Price, price_of
from suffice.tools.llm.protocol import LanguageModel, Reply
from suffice.tools.retry import Patience
from suffice.tools.types import Usage

KEY = "sk-planted-0123456789abcdef"
PROVIDERS = ("openai", "anthropic")
Result = TypeVar("Result")


def some(faults: tuple[str, ...], quick: tuple[str, ...]) -> list[object]:
    """A few faults are tried on every run of the tests, all on the long one."""
    slow = pytest.mark.slow
    return [pytest.param(name, marks=() if name in quick else slow) for name in faults]


class Word(BaseModel):
    word: str
    missing: str = ""


@pytest.fixture
def server() -> Iterator[WireServer]:
    def say(_: object) -> str:
        return '{"word": "tanker", "missing": ""}'

    with WireServer(say) as server:
        yield server


def opened(server: WireServer, provider: str, **options: object) -> LanguageModel:
    base = f"{server.url}/v1" if provider == "openai" else server.url
    settings: dict[str, object] = {
        "patience": Patience(attempts=3, first_wait=0.001, longest_wait=2.0),
        "call_seconds": 5.0,
        "api_key": KEY,
        **options,
    }
    model = open_model(f"{provider}:some-model @ {base}", **settings)  # type: ignore[arg-type]
    assert model is not None
    return model


def using(model: LanguageModel, work: Callable[[LanguageModel], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        try:
            return await work(model)
        finally:
            await model.close()

    return asyncio.run(run())


def asking(**options: object) -> Callable[[LanguageModel], Awaitable[Reply[Word]]]:
    async def ask(model: LanguageModel) -> Reply[Word]:
        return await model.reply(Prompt("Be brief.", "Name a ship."), Word, **options)  # type: ignore[arg-type]

    return ask


async def streaming(model: LanguageModel) -> list[str | Usage]:
    pieces: AsyncIterator[str | Usage] = model.stream(Prompt("Be brief.", "Name a ship."))
    return [piece async for piece in pieces]


@pytest.mark.parametrize("provider", PROVIDERS)
class TestReplies:
    def test_a_typed_reply_with_its_usage(self, server: WireServer, provider: str) -> None:
        prices = {
            f"{provider}:some-model @ {server.url}" + "/v1" * (provider == "openai"): Price(1, 2)
        }
        reply = using(opened(server, provider, prices=prices), asking())
        assert reply.value == Word(word="tanker")
        assert (reply.usage.llm_calls, reply.usage.input_tokens) == (1, 160)
        assert reply.usage.output_tokens == 20
        assert reply.usage.cost_usd == pytest.approx((160 + 40) / 1e6)
        (asked,) = server.requests
        assert asked.structured
        assert asked.user == "Name a ship."

    @pytest.mark.parametrize("fault", PASSING)
    def test_what_can_pass_is_tried_again(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.faults = [fault]
        reply = using(opened(server, provider, call_seconds=0.3), asking())
        assert reply.value.word == "tanker"
        assert len(server.requests) == 2

    @pytest.mark.parametrize("fault", some(PASSING, ("500", "cut")))
    def test_what_does_not_pass_is_a_failed_call(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.always = fault
        with pytest.raises(CallFailed) as caught:
            using(opened(server, provider, call_seconds=0.1), asking())
        assert not isinstance(caught.value, ReplyInvalid)
        assert len(server.requests) == 3

    @pytest.mark.parametrize("fault", GARBLED)
    def test_a_garbled_reply_is_asked_for_once_more(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.faults = [fault]
        reply = using(opened(server, provider), asking())
        assert reply.value.word == "tanker"
        assert reply.usage.llm_calls == 2
        assert "could not be used" in server.requests[1].user

    @pytest.mark.parametrize("fault", GARBLED)
    def test_garbled_twice_is_a_failed_call_and_never_a_reply(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.always = fault
        with pytest.raises(ReplyInvalid) as caught:
            using(opened(server, provider), asking())
        assert len(server.requests) == 2
        assert caught.value.usage.llm_calls == 2

    @pytest.mark.parametrize("fault", READABLE)
    def test_prose_and_tags_around_a_reply_do_not_matter(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.always = fault
        assert using(opened(server, provider), asking()).value == Word(word="tanker")
        assert len(server.requests) == 1

    @pytest.mark.parametrize("fault", REFUSALS)
    def test_a_refusal_is_not_tried_again(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        if fault == "400":
            server.lacking = ("model",)
        server.always = fault
        with pytest.raises(CallRefused):
            using(opened(server, provider), asking())
        # A vague 400 may be about the form asked for, which is given up before giving in.
        assert len(server.requests) <= (4 if fault == "400" else 1)

    def test_a_model_cut_off_for_length_gets_more_room_from_then_on(
        self, server: WireServer, provider: str
    ) -> None:
        server.faults = ["length"]

        async def twice(model: LanguageModel) -> None:
            await asking(max_tokens=100)(model)
            await asking(max_tokens=100)(model)

        using(opened(server, provider), twice)
        first, second, third = (asked.body["max_tokens"] for asked in server.requests)
        assert second - first == 200
        assert third == second
        assert "cut off for length" in server.requests[1].user

    def test_no_second_asking_where_the_budget_forbids_it(
        self, server: WireServer, provider: str
    ) -> None:
        server.always = "truncated"
        with pytest.raises(ReplyInvalid, match="once"):
            using(opened(server, provider), asking(ask_again=False))
        assert len(server.requests) == 1

    def test_a_prompt_too_long_says_what_to_do(self, server: WireServer, provider: str) -> None:
        server.always = "context"
        with pytest.raises(CallRefused, match="fewer passages"):
            using(opened(server, provider), asking())

    def test_time_running_out_is_a_matter_of_budget(
        self, server: WireServer, provider: str
    ) -> None:
        server.always = "slow"
        with pytest.raises(BudgetExceeded) as caught:
            using(opened(server, provider), asking(deadline=time.monotonic() + 0.2))
        assert caught.value.limit == "seconds"

    def test_no_wait_reaches_past_the_deadline(self, server: WireServer, provider: str) -> None:
        server.always, server.retry_after = "429", "1.5"
        began = time.monotonic()
        with pytest.raises(CallFailed):
            using(opened(server, provider), asking(deadline=began + 0.5))
        assert time.monotonic() - began < 1.0

    def test_retry_after_is_honoured(self, server: WireServer, provider: str) -> None:
        server.faults, server.retry_after = ["429"], "0.3"
        began = time.monotonic()
        using(opened(server, provider), asking())
        assert time.monotonic() - began >= 0.3

    def test_a_server_without_structured_output_is_asked_in_words_and_remembered(
        self, server: WireServer, provider: str
    ) -> None:
        server.lacking = ("response_format", "output_config")

        async def twice(model: LanguageModel) -> tuple[str, str]:
            one, two = await asking()(model), await asking()(model)
            return one.value.word, two.value.word

        assert using(opened(server, provider), twice) == ("tanker", "tanker")
        *_, first, second = server.requests
        assert "one JSON object" in first.system
        assert first.system == second.system
        assert len(server.requests) <= 4

    def test_many_calls_at_once_learn_it_once(self, server: WireServer, provider: str) -> None:
        server.lacking = ("response_format", "output_config")

        async def together(model: LanguageModel) -> int:
            replies = await asyncio.gather(*(asking()(model) for _ in range(6)))
            return sum(reply.value.word == "tanker" for reply in replies)

        assert using(opened(server, provider), together) == 6
        if provider == "openai":
            assert server.requests[-1].body["response_format"] == {"type": "json_object"}

    def test_no_more_calls_at_a_time_than_allowed(self, provider: str) -> None:
        under_way, most = 0, 0

        def say(_: object) -> str:
            nonlocal under_way, most
            with server.lock:
                under_way += 1
                most = max(most, under_way)
            server.stopping.wait(0.02)
            with server.lock:
                under_way -= 1
            return '{"word": "tug"}'

        async def together(model: LanguageModel) -> None:
            await asyncio.gather(*(asking()(model) for _ in range(8)))

        with WireServer(say) as server:
            using(opened(server, provider, concurrency=2), together)
        assert most == 2


@pytest.mark.parametrize("provider", PROVIDERS)
class TestStreams:
    def test_text_comes_in_pieces_and_usage_last(self, server: WireServer, provider: str) -> None:
        *pieces, usage = using(opened(server, provider), streaming)
        assert "".join(map(str, pieces)) == '{"word": "tanker", "missing": ""}'
        assert len(pieces) > 2
        assert isinstance(usage, Usage)
        assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (160, 20, None)

    def test_thinking_aloud_is_kept_out(self, server: WireServer, provider: str) -> None:
        server.always = "think"
        *pieces, _ = using(opened(server, provider), streaming)
        assert "".join(map(str, pieces)) == '{"word": "tanker", "missing": ""}'

    @pytest.mark.parametrize("fault", ["429", "500", "overloaded", "slow"])
    def test_a_stream_that_does_not_begin_is_begun_again(
        self, server: WireServer, provider: str, fault: str
    ) -> None:
        server.faults = [fault]
        *pieces, _ = using(opened(server, provider, call_seconds=0.4), streaming)
        assert "tanker" in "".join(map(str, pieces))
        assert len(server.requests) == 2

    def test_a_stream_cut_in_the_middle_is_a_failed_call(
        self, server: WireServer, provider: str
    ) -> None:
        server.always = "cut"
        heard: list[object] = []

        async def listen(model: LanguageModel) -> None:
            async for piece in model.stream(Prompt("", "x")):
                heard.append(piece)  # noqa: PERF401

        with pytest.raises(CallFailed):
            using(opened(server, provider), listen)
        assert heard
        assert len(server.requests) == 1

    @pytest.mark.parametrize("fault", ["refusal", "filter", "401", "context"])
    def test_a_refusal_in_a_stream(self, server: WireServer, provider: str, fault: str) -> None:
        server.always = fault
        with pytest.raises(CallRefused):
            using(opened(server, provider), streaming)

    def test_leaving_early_closes_the_stream(self, server: WireServer, provider: str) -> None:
        async def leave(model: LanguageModel) -> str:
            stream = model.stream(Prompt("", "x"))
            first = await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]
            await asking()(model)
            return str(first)

        assert using(opened(server, provider, concurrency=1), leave)


@pytest.mark.parametrize("provider", PROVIDERS)
class TestKeys:
    @pytest.mark.parametrize("fault", some(PASSING + GARBLED + REFUSALS, ("401", "500")))
    def test_no_key_in_any_error_repr_or_log(
        self, server: WireServer, provider: str, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.always = fault
        model = opened(server, provider, call_seconds=0.1)
        with pytest.raises((CallFailed, CallRefused)) as caught:
            using(model, asking())
        error: BaseException | None = caught.value
        while error is not None:
            assert KEY not in f"{error} {error!r} {vars(error)}"
            error = error.__cause__ or error.__context__
        assert KEY not in repr(model) + str(model) + caplog.text
        assert any(KEY in str(asked.headers) for asked in server.requests)

    def test_a_providers_key_does_not_go_to_another_server(
        self, server: WireServer, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        model = open_model(f"{provider}:m @ http://models.example:8000/v1")
        assert KEY not in repr(vars(vars(model)["_wire"]))


class TestOpening:
    def test_none_is_no_model(self) -> None:
        assert open_model("none") is None

    def test_an_unknown_provider_names_those_there_are(self) -> None:
        with pytest.raises(ProviderMissing, match="openai, anthropic"):
            open_model("acme:large")

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_a_missing_key_names_the_variable(
        self, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(f"{provider.upper()}_API_KEY", raising=False)
        with pytest.raises(SettingsError, match=f"{provider.upper()}_API_KEY"):
            open_model(f"{provider}:some-model")

    def test_a_model_must_be_named(self) -> None:
        with pytest.raises(SettingsError, match="names no model"):
            open_model("openai", api_key=KEY)

    def test_the_default_follows_the_keys_and_says_why(self) -> None:
        assert default_model({})[0] == "none"
        name, why = default_model({"ANTHROPIC_API_KEY": "x"})
        assert name.startswith("anthropic:")
        assert "ANTHROPIC_API_KEY" in why
        for chosen in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            assert default_model({chosen: "x"})[0] in PRICES


class TestPrices:
    def test_an_unknown_model_costs_unknown_and_never_nothing(self) -> None:
        assert price_of("openai:never-heard-of") is None
        assert price_of("openai:gpt-6-luna @ http://localhost:1/v1") is None
        model = open_model("openai:never-heard-of", api_key=KEY)
        assert model is not None
        assert model.cost(1000, 1000) is None

    def test_ones_own_price_goes_first(self) -> None:
        own = {"openai:gpt-6-luna": Price(3.0, 4.0)}
        price = price_of("openai:gpt-6-luna", own)
        assert price is not None
        assert price.of(1_000_000, 1_000_000) == 7.0

    def test_a_dated_model_costs_what_its_family_costs(self) -> None:
        assert price_of("openai:gpt-5-mini-2025-08-07") == PRICES["openai:gpt-5-mini"]

    def test_cached_and_long_prompts(self) -> None:
        price = Price(1.0, 2.0, cached=0.1, written=1.5, long_from=100, long_factor=2.0)
        assert price.of(10, 10, 20, 10) == pytest.approx((10 + 20 + 2 + 15) / 1e6)
        assert price.of(101, 0) == pytest.approx(202 / 1e6)
