"""A JSON API over HTTP: one client, its key, its limits, and what its failures are called."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import CallFailed
from .providers import shown_url
from .retry import Patience, with_retries

if TYPE_CHECKING:
    import httpx2

Result = TypeVar("Result")

TIMEOUT = 30.0
CONCURRENCY = 8


class Endpoint:
    """Posts JSON to `base_url` and returns JSON. Used within one event loop.

    `timeout` bounds one attempt, in seconds; `concurrency` the calls at the same time.
    The key goes into the request's header and nowhere else.
    """

    def __init__(
        self,
        what: str,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = TIMEOUT,
        concurrency: int = CONCURRENCY,
        patience: Patience | None = None,
    ) -> None:
        self.what = what
        self._base_url = base_url.rstrip("/")
        self._key = api_key
        self._timeout = timeout
        self._patience = patience
        self._slots = asyncio.Semaphore(concurrency)
        self._client: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        """Return name and address, never the key."""
        return f"Endpoint({self.what!r}, {shown_url(self._base_url)!r})"

    async def post(
        self, path: str, body: dict[str, Any], *, deadline: float | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that answers `body`, trying again what can pass.

        Raises `CallRefused`, and `CallFailed` also for a reply that is no JSON object.
        """
        return await with_retries(
            lambda: self._post(path, body),
            what=self.what,
            deadline=deadline,
            patience=self._patience,
            secrets=(self._key or "",),
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._slots:
            response = await self._connected().post(self._base_url + path, json=body)
        response.raise_for_status()
        try:
            reply = response.json()
        except ValueError:
            reply = None
        if not isinstance(reply, dict | list):
            raise CallFailed(
                f"{self.what} answered with something that is no JSON object; is "
                f"{shown_url(self._base_url)} the address of its API?"
            )
        # TEI answers with the bare list that the others keep under "results".
        return reply if isinstance(reply, dict) else {"results": reply}

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpx2

            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx2.AsyncClient(
                headers=headers, timeout=self._timeout, follow_redirects=False
            )
        return self._client


async def together(*calls: Coroutine[Any, Any, Result]) -> list[Result]:
    """Await all calls at the same time; where one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
