"""Settings: from the file, the environment and arguments, in rising order, and never a key."""

from __future__ import annotations

from pathlib import Path

import pytest
import tugs

from suffice import Agent, Budget, Corpus, Settings, SettingsError

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "VOYAGE_API_KEY", "QDRANT_API_KEY")
PLANTED = "sk-planted-5f0a1c2e9d8b"


@pytest.fixture(autouse=True)
def apart(own_folder: Path) -> Path:
    return own_folder


def test_defaults_need_no_file_no_key_and_no_network() -> None:
    settings = Settings.load()
    assert (settings.embedder, settings.reranker, settings.small) == ("minilm", "evidence", "auto")
    assert settings.origin("embedder") == "default"


def test_file_below_environment_below_argument(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folder / "suffice.toml").write_text(
        'corpus = "file"\nreranker = "file"\nstrategy = "file"\n[budget]\nrounds = 5\nusd = 0.5\n'
    )
    monkeypatch.setenv("SUFFICE_RERANKER", "environment")
    monkeypatch.setenv("SUFFICE_STRATEGY", "environment")
    monkeypatch.setenv("SUFFICE_BUDGET_ROUNDS", "2")
    settings = Settings.load(strategy="argument", budget={"seconds": 9})
    assert (settings.corpus, settings.reranker, settings.strategy) == (
        "file",
        "environment",
        "argument",
    )
    assert settings.origin("corpus") == "suffice.toml"
    assert settings.origin("reranker") == "environment"
    assert settings.origin("strategy") == "argument"
    # Of a budget each limit is laid over the one below it.
    assert (settings.budget.rounds, settings.budget.usd, settings.budget.seconds) == (2, 0.5, 9)


def test_another_file_can_be_named(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_folder / "one.toml").write_text("evidence = 11")
    (own_folder / "two.toml").write_text("evidence = 12")
    monkeypatch.setenv("SUFFICE_CONFIG", "one.toml")
    assert Settings.load().evidence == 11
    assert Settings.load("two.toml").evidence == 12


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (
            "embeder = 'none'",
            r'unknown setting "embeder" \(suffice.toml\); did you mean "embedder"',
        ),
        ("[budget]\nround = 1", r'"budget.round" \(suffice.toml\); did you mean "budget.rounds"'),
        ("evidence = 'many'", r'setting "evidence" \(suffice.toml\): .*integer.*\'many\''),
        ("threshold = 7", r'setting "threshold" \(suffice.toml\): .*less than or equal to 1'),
        ("budget = 3", r'setting "budget" \(suffice.toml\)'),
        ("corpus = [", "suffice.toml is not valid TOML"),
    ],
)
def test_a_file_that_makes_no_sense_says_where_and_what(
    own_folder: Path, file: str, says: str
) -> None:
    (own_folder / "suffice.toml").write_text(file)
    with pytest.raises(SettingsError, match=says):
        Settings.load()


def test_a_file_that_is_named_has_to_be_there() -> None:
    with pytest.raises(SettingsError, match=r"no settings file .*nowhere\.toml"):
        Settings.load("nowhere.toml")


def test_a_file_named_by_the_environment_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUFFICE_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"no settings file .*nowhere\.toml"):
        Settings.load()


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SUFFICE_EMBEDDR", "none", r'"embeddr" \(SUFFICE_EMBEDDR\); did you mean "embedder"'),
        ("SUFFICE_BUDGET_USDS", "1", r"SUFFICE_BUDGET_USDS.*did you mean .budget\.usd"),
        ("SUFFICE_EVIDENCE", "many", r"SUFFICE_EVIDENCE\): .*integer.*'many'"),
        ("SUFFICE_BUDGET_ROUNDS", "-2", r"SUFFICE_BUDGET_ROUNDS\): .*greater than or equal to 0"),
    ],
)
def test_the_environment_is_checked_as_well(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=says):
        Settings.load()


def test_a_value_in_the_environment_is_read_as_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUFFICE_TRAIL", "false")
    monkeypatch.setenv("SUFFICE_EVIDENCE", "7")
    monkeypatch.setenv("SUFFICE_BUDGET_USD", "0.25")
    settings = Settings.load()
    assert (settings.trail, settings.evidence, settings.budget.usd) == (False, 7, 0.25)


def test_single_settings_can_be_changed_and_remember_where_the_rest_came_from(
    own_folder: Path,
) -> None:
    (own_folder / "suffice.toml").write_text("evidence = 9\n[budget]\nusd = 0.5")
    settings = Settings.load().changed(strategy="single_pass", small=None, budget={"rounds": 1})
    assert settings.origin("evidence") == "suffice.toml"
    assert settings.origin("strategy") == "argument"
    assert settings.small == "auto"
    assert (settings.budget.rounds, settings.budget.usd) == (1, 0.5)
    assert settings.changed(budget=Budget(rounds=2)).budget.usd is None


@pytest.mark.parametrize("wrong", [{"embeder": "none"}, {"budget": {"round": 3}}])
def test_an_override_that_is_unknown_is_refused_with_the_nearest_name(wrong: dict) -> None:
    for call in (
        lambda: Corpus.open("notes", **wrong),
        lambda: Agent("notes", **wrong),
        lambda: Corpus.open("notes", settings=Settings(), **wrong),
        lambda: Settings.load(**wrong),
    ):
        with pytest.raises(SettingsError, match=r'did you mean "(embedder|budget\.rounds)"'):
            call()


def test_a_budget_of_one_question_is_checked_and_laid_over_the_settings(own_folder: Path) -> None:
    with Agent("notes", budget={"usd": 0.5}, **tugs.QUICK) as agent:
        agent.corpus.add(tugs.documents())
        assert agent.ask(tugs.question("Anchor"), budget={"rounds": 1}).status == "answered"
        with pytest.raises(SettingsError, match=r'did you mean "budget\.rounds"'):
            agent.ask("Who?", budget={"round": 1})
        with pytest.raises(SettingsError, match=r"budget\.rounds.*greater than or equal to 0"):
            agent.ask("Who?", budget={"rounds": -1})


def test_a_place_and_settings_for_both_reach_corpus_and_agent(own_folder: Path) -> None:
    with Agent("notes", reranker="plain", strategy="single_pass", **tugs.QUICK) as agent:
        parts = {part["part"]: part for part in agent.status()["parts"]}
    assert parts["reranker"]["uses"] == "plain"
    assert parts["reranker"]["why"] == "reranker = 'plain', argument"
    assert parts["strategy"]["uses"] == "single_pass"
    assert parts["embedder"]["uses"] == "none"


def test_an_unknown_strategy_is_refused_before_anything_is_asked(own_folder: Path) -> None:
    with pytest.raises(SettingsError, match=r'no strategy "iterativ"; there are: iterative'):
        Agent("notes", strategy="iterativ", **tugs.QUICK)


def test_no_key_is_shown(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, PLANTED)
    settings = Settings.load(embedder="none", small="openai:gpt-5-nano", writer="anthropic:x")
    with Corpus.open("notes", settings=settings) as corpus, Agent(corpus) as agent:
        shown = [repr(settings), repr(corpus), repr(agent), repr(agent.corpus._parts)]
        shown += [str(agent.status()), settings.model_dump_json(), repr(vars(agent))]
    assert [text for text in shown if PLANTED in text] == []
