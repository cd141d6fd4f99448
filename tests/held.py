"""A reasoner that thinks until it is let go, for tests of what happens in the meantime."""

from __future__ import annotations

import asyncio
import threading

from scripted import ScriptedReasoner

from suffice.tools.reason.protocol import Plan, Situation


class Held(ScriptedReasoner):
    """Plans nothing, but only once `go` is set; `thinking` and `stopped` say how it stands."""

    def __init__(self) -> None:
        super().__init__(plans=[self._hold])
        self.thinking = threading.Event()
        self.go = threading.Event()
        self.stopped = threading.Event()

    async def _hold(self, situation: Situation) -> Plan:
        self.thinking.set()
        try:
            await asyncio.to_thread(self.go.wait, 30)
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return Plan(sufficient=False)
