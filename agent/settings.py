"""Settings: from suffice.toml, the environment and arguments, in rising order.

Every setting has a name in `suffice.toml`, the variable `SUFFICE_<NAME>` and the
argument of the same name. Budgets are a table, as is what concerns the server: `[budget]`
in the file, `SUFFICE_BUDGET_ROUNDS` in the environment. Keys are no settings: they are
read from the providers' own variables (`OPENAI_API_KEY`, …) when a call is made, and kept
nowhere.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError

from ..errors import SettingsError
from ..tools.llm.prices import Price
from ..tools.types import Budget, Noun
from .access import Serving, Token

FILE = "suffice.toml"
ENVIRONMENT = "environment"


class Settings(Noun):
    """What can be chosen. Defaults need no key and no network."""

    corpus: str = Field(".suffice/corpus", description="folder, or address of a Qdrant server")
    collection: str = Field("suffice", description="name on a Qdrant server")
    embedder: str = Field("minilm", description="minilm, none, or provider:model")
    weights: str | None = Field(None, description="folder with the embedder's weights")
    reranker: str = Field("evidence", description="evidence, plain, llm, none, or provider:model")
    trail: bool = Field(True, description="follow mentions from passage to passage")
    small: str = Field(
        "auto", description="model that plans and judges: auto, none, provider:model"
    )
    writer: str = Field("", description="model that writes; empty is the small one")
    second_opinion: bool = Field(
        False, description="ask the small model whether quotes carry claims"
    )
    strategy: str = Field("iterative", description="the graph: iterative, single_pass")
    evidence: int = Field(20, ge=1, le=200, description="passages a thinking step sees")
    threshold: float = Field(
        0.0, ge=0, le=1, description="confidence below which nothing is answered"
    )
    budget: Budget = Field(Budget(), description="what one question may take")
    max_chars: int = Field(2000, ge=200, le=20_000, description="characters of a chunk")
    keep_runs_days: float = Field(30.0, ge=0, description="how long runs are kept; 0 keeps none")
    keep_runs_mb: float = Field(200.0, ge=0, description="how much room kept runs may take")
    keep_threads_days: float = Field(
        30.0, ge=0, description="how long conversations are kept; 0 keeps none on disk"
    )
    keep_threads_mb: float = Field(
        50.0, ge=0, description="how much room kept conversations may take"
    )
    prompts: str | None = Field(None, description="folder with prompts of your own")
    keep_replies: bool = Field(
        False, description="cache replies of models, embeddings and rerankers"
    )

    server: Serving = Field(Serving(), description="how `suffice serve` serves, and its limits")
    tokens: tuple[Token, ...] = Field((), description="who may call it, and for what")
    prices: dict[str, Price] = Field(
        default_factory=dict, description="dollars per million tokens, by provider:model"
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, file: str | Path | None = None, **arguments: Any) -> Settings:
        """Return the settings of `file` (default: `suffice.toml` here, if there is one),
        overridden by SUFFICE_* variables, overridden by `arguments`.

        Raises:
            SettingsError: an unknown name or a value that does not fit, with its origin.
        """
        named = file or os.environ.get("SUFFICE_CONFIG")
        path = Path(named or FILE)
        if named and not path.exists():
            raise SettingsError(f"there is no settings file {path}")
        layers = (
            (str(path), _from_file(path)),
            (ENVIRONMENT, _from_environment(os.environ)),
            ("argument", {k: v for k, v in arguments.items() if v is not None}),
        )
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for origin, layer in layers:
            _check_names(layer, origin)
            for name, value in layer.items():
                values[name] = _joined(values.get(name), value)
                origins[name] = origin
        return _validated(values, origins)

    def changed(self, **arguments: Any) -> Settings:
        """Return these settings with some of them replaced; None leaves one as it is.

        Raises:
            SettingsError: an unknown name or a value that does not fit.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        if not given:
            return self
        _check_names(given, "argument")
        values = self.model_dump()
        values |= {name: _joined(values[name], value) for name, value in given.items()}
        return _validated(values, {**self._origins, **dict.fromkeys(given, "argument")})

    def origin(self, name: str) -> str:
        """Say where a setting comes from: default, a file, environment or argument."""
        return self._origins.get(name, "default")


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, value in environment.items():
        name = variable.removeprefix("SUFFICE_").lower()
        if not variable.startswith("SUFFICE_") or name in NOT_SETTINGS:
            continue
        table, _, rest = name.partition("_")
        if rest and table in TABLES:
            values.setdefault(table, {})[rest] = value
        else:
            values[name] = value
    return values


TABLES: dict[str, type[Noun]] = {"budget": Budget, "server": Serving}
"""Settings that are tables, with names of their own."""

NOT_SETTINGS = ("config", "cache", "api_key", "token")
"""Variables that say where to look, not what to do."""


def _check_names(layer: Mapping[str, Any], origin: str) -> None:
    _check(layer, Settings.model_fields, "", origin)
    for table, noun in TABLES.items():
        if isinstance(names := layer.get(table), Mapping):
            _check(names, noun.model_fields, f"{table}.", origin)


def _check(names: Iterable[str], known: Iterable[str], prefix: str, origin: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f'; did you mean "{prefix}{near[0]}"?' if near else ""
            place = _variable(prefix + name) if origin == ENVIRONMENT else origin
            raise SettingsError(f'unknown setting "{prefix}{name}" ({place}){hint}')


def _variable(name: str) -> str:
    return f"SUFFICE_{name.upper().replace('.', '_')}"


def _joined(below: Any, above: Any) -> Any:
    """Lay one value over another: of a budget, what is not named stays."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **above}
    return above


def _validated(values: Mapping[str, Any], origins: dict[str, str]) -> Settings:
    try:
        settings = Settings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        origin = origins.get(str(first["loc"][0]), "")
        origin = _variable(name) if origin == ENVIRONMENT else origin
        secret = first["loc"][0] == "tokens"
        given = "" if secret or isinstance(first["input"], Mapping) else f", got {first['input']!r}"
        raise SettingsError(f'setting "{name}" ({origin}): {first["msg"]}{given}') from None
    settings._origins = origins
    return settings
