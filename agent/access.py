"""Who may do what on a server, and how much of it: the settings of `suffice serve`.

A token is hashed as soon as it is read; what is kept and compared is the hash.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..tools.types import Noun, Where

Right = Literal["ask", "add", "remove"]
"""`ask` also searches and looks; `add` and `remove` are about documents."""

SHORTEST_TOKEN = 16
"""Characters. A shorter one could be guessed, however slowly it is checked."""


class Token(Noun):
    """One caller of a server: `[[tokens]]` in the settings file.

    The secret is given as `token`, as `token_env` (the name of a variable that holds it
    when the server starts) or as `sha256` (its hash, in hexadecimal).
    """

    name: str = Field(description="shown in logs, and whose runs these are", pattern=r"^[\w.\-]+$")
    sha256: str = Field("", description="hash of the token, instead of the token")
    token_env: str = Field("", description="variable that holds the token")
    where: Where = Field(default_factory=dict, description="forced onto everything it does")
    may: tuple[Right, ...] = Field(("ask",), description="ask, add, remove")

    @model_validator(mode="before")
    @classmethod
    def _hash_at_once(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "token" not in values:
            return values
        if values.get("sha256"):
            raise ValueError("needs either token, token_env or sha256")
        others = {name: value for name, value in values.items() if name != "token"}
        return {**others, "sha256": hashed(values["token"])}

    @model_validator(mode="after")
    def _one_secret(self) -> Token:
        if bool(self.sha256) == bool(self.token_env):
            raise ValueError("needs either token, token_env or sha256")
        return self

    @field_validator("sha256")
    @classmethod
    def _hexadecimal(cls, value: str) -> str:
        if value and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError("is no SHA-256 hash: 64 hexadecimal digits")
        return value.lower()

    @field_validator("where")
    @classmethod
    def _readable(cls, value: Where) -> Where:
        from ..tools.store.filters import conditions

        conditions(value, None)
        return value


def hashed(secret: Any) -> str:
    """Return the hash of a token. Raises `ValueError`, never with the token in it."""
    if not isinstance(secret, str) or len(secret) < SHORTEST_TOKEN:
        raise ValueError(
            f"its token must be text of at least {SHORTEST_TOKEN} characters; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Serving(Noun):
    """How the server serves, and its limits: `[server]` in the settings file."""

    name: str = Field("Suffice", description="shown on the page")
    hosts: tuple[str, ...] = Field((), description="names it is reached by, behind a proxy")
    origins: tuple[str, ...] = Field((), description="other sites whose pages may call it (CORS)")
    public_url: str = Field("", description="its address as seen from outside, for links")
    body_bytes: int = Field(1_000_000, ge=1_000, description="largest request")
    upload_bytes: int = Field(50_000_000, ge=1_000, description="largest upload")
    body_seconds: float = Field(30.0, gt=0, description="time a request may take to arrive")
    upload_seconds: float = Field(600.0, gt=0, description="time an upload may take to arrive")
    question_chars: int = Field(8_000, ge=1, le=8_000, description="longest question")
    runs_at_once: int = Field(64, ge=1, description="runs at the same time")
    runs_at_once_each: int = Field(16, ge=1, description="runs at the same time of one token")
    requests_a_minute: int = Field(600, ge=1, description="requests of one token in a minute")
    wider: float = Field(2.0, ge=1, description="times its budget that a question may ask for")
    resume_seconds: float = Field(5.0, ge=0, description="how long a run waits for its reader")
    log_questions: bool = Field(False, description="whether questions are written to the log")
