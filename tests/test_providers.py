import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.errors import ProviderMissing, SettingsError
from suffice.tools.providers import Provider, find_key, parse_provider


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("minilm", Provider("minilm")),
        ("openai:gpt-x", Provider("openai", "gpt-x")),
        ("OpenAI: gpt-x ", Provider("openai", "gpt-x")),
        (
            "openai:llama3.2:3b @ http://localhost:11434/v1/",
            Provider("openai", "llama3.2:3b", "http://localhost:11434/v1"),
        ),
        ("http:org/model@https://h/v1", Provider("http", "org/model", "https://h/v1")),
        ("http @ http://h:8080", Provider("http", "", "http://h:8080")),
        ("openai:model@2024 @ http://h", Provider("openai", "model@2024", "http://h")),
    ],
)
def test_a_provider_string_is_taken_apart(text: str, provider: Provider) -> None:
    assert parse_provider(text) == provider


@pytest.mark.parametrize("text", ["", "  ", "openai:", "a b", "openai:m @ ftp://h", ":m", "ö:m"])
def test_another_form_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(ProviderMissing, match="provider:model"):
        parse_provider(text)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        provider = parse_provider(text)
    except ProviderMissing:
        return
    assert parse_provider(str(provider)).name == provider.name


def test_a_provider_never_shows_what_its_address_hides() -> None:
    provider = parse_provider("openai:m @ https://user:hunter2@host/v1?key=hunter2")
    assert provider.base_url == "https://user:hunter2@host/v1?key=hunter2"
    assert "hunter2" not in str(provider) + repr(provider)
    assert str(provider) == "openai:m @ https://host/v1"


def test_a_key_goes_to_its_own_company_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "company")
    monkeypatch.delenv("SUFFICE_API_KEY", raising=False)
    assert find_key(Provider("openai", "m")) == "company"
    assert find_key(Provider("openai", "m", "http://elsewhere/v1")) is None
    monkeypatch.setenv("SUFFICE_API_KEY", "own")
    assert find_key(Provider("openai", "m", "http://elsewhere/v1")) == "own"
    assert find_key(Provider("openai", "m"), "given") == "given"


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOYAGE_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="VOYAGE_API_KEY"):
        find_key(Provider("voyage", "m"))
