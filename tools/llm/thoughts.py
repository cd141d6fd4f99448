"""Keeps what a reasoning model thinks aloud out of a stream of text."""

from __future__ import annotations

_OPENERS = ("<think>", "<thinking>", "<reasoning>")


class ThoughtFilter:
    """Fed pieces of text, gives back those outside a leading think-tag."""

    def __init__(self) -> None:
        self._held = ""
        self._closer = ""
        self._open = True

    def feed(self, piece: str) -> str:
        """Take the next piece; return what may be passed on by now."""
        if not self._open:
            return piece
        self._held += piece
        if self._closer:
            return self._leave()
        start = self._held.lstrip().lower()
        for opener in _OPENERS:
            if start.startswith(opener):
                self._closer = "</" + opener[1:]
                return self._leave()
        if any(opener.startswith(start) for opener in _OPENERS):
            return ""
        return self._pass_on(self._held)

    def rest(self) -> str:
        """Return what was held back when the text has ended; a thought without end is dropped."""
        return "" if self._closer or not self._open else self._pass_on(self._held)

    def _leave(self) -> str:
        end = self._held.lower().find(self._closer)
        if end < 0:
            return ""
        return self._pass_on(self._held[end + len(self._closer) :].lstrip())

    def _pass_on(self, text: str) -> str:
        self._held, self._closer, self._open = "", "", False
        return text
