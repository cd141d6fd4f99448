"""The nodes that end a run: write, verify and abstain."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from ...errors import BudgetExceeded
from ...tools.reason.protocol import Draft, DraftClaim
from ...tools.reason.verify import Verified
from ...tools.reason.verify import verify as look_up
from ...tools.types import Answer, Claim, Reason, Status
from ..budget import remaining, used
from ..standing import found_parts, missing_parts
from ..state import State, Tools
from .calls import with_calls
from .retrieve import OUTAGES
from .think import broke, situated, took, within


@with_calls
async def write(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Write claims with their quotes, streaming the text as it comes."""
    tools, left = runtime.context, remaining(state, last_word=True)
    situation = await situated(state, tools, left)

    def say(piece: str) -> None:
        runtime.stream_writer({"token": piece})

    try:
        draft = await within(left, tools.reasoner.write(situation, say))
    except BudgetExceeded as error:
        return {"draft": from_findings(state), "stopped": "budget", **took(error)}
    except OUTAGES as error:
        return {"stopped": "outage", **broke("write", error)}
    return {"draft": draft, "usage": draft.usage}


async def verify(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Believe only what is found: drop every claim whose quotes are not in the passages."""
    draft = state.get("draft") or Draft()
    verified = look_up(draft, state.get("evidence", ()), state["question"])
    dropped = (*draft.doubted, *(f"{drop.claim}: {drop.reason}" for drop in verified.dropped))
    if not verified.claims:
        return {"dropped": dropped, **_again(state)}
    confidence = draft.confidence or state.get("confidence", 0.0)
    if confidence < runtime.context.threshold:
        return {"dropped": dropped, "stopped": "insufficient", "confidence": confidence}
    return {"dropped": dropped, "answer": _answer(state, draft, verified, confidence)}


async def abstain(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """End without an answer: say why, what is missing, and what came nearest.

    After an outage the run has failed, which is never a statement about the documents;
    what was found until then is kept.
    """
    failed = bool(state.get("outages"))
    verified = look_up(from_findings(state), state.get("evidence", ()), state["question"])
    return {
        "answer": Answer(
            status="failed" if failed else "abstained",
            reason="outage" if failed else _reason(state),
            text="\n".join(state["outages"]) if failed else "",
            claims=verified.claims if failed else (),
            citations=verified.citations if failed else (),
            missing=missing_parts(state) or _unwritten(state),
            **_common(state, 0.0 if failed else state.get("confidence", 0.0)),
        )
    }


def _unwritten(state: State) -> tuple[str, ...]:
    """What is missing although it had been found: the writer made nothing of it."""
    draft = state.get("draft")
    return (draft.missing if draft else ()) or (state["question"],)


def from_findings(state: State) -> Draft:
    """Compose a draft of what was found so far, for when nobody can write any more."""
    found = [finding for finding in state.get("findings", {}).values() if finding.found]
    claims = tuple(DraftClaim(text=f.claim or f.text, quotes=f.quotes) for f in found)
    return Draft(claims=claims, confidence=min((f.confidence for f in found), default=0.0))


def _again(state: State) -> dict[str, Any]:
    """Nothing was left: back to the judge once, with those findings taken as missing."""
    if state.get("stopped") in ("budget", "outage"):
        return {}
    if state.get("retried") or remaining(state).spent() or "round" not in state:
        return {"stopped": "insufficient"}
    unfound = {
        key: finding.model_copy(update={"found": False, "quotes": ()})
        for key, finding in state.get("findings", {}).items()
    }
    return {"retried": True, "findings": unfound, "stopped": ""}


def _answer(state: State, draft: Draft, verified: Verified, confidence: float) -> Answer:
    missing = _missing(state, draft, verified)
    conflict = draft.conflict or state.get("conflict", False)
    status: Status = "partial" if missing or conflict else "answered"
    return Answer(
        status=status,
        reason=None if status == "answered" else _reason(state, conflict=conflict),
        text=_text(verified),
        claims=verified.claims,
        citations=verified.citations,
        missing=missing,
        **_common(state, confidence),
    )


def _missing(state: State, draft: Draft, verified: Verified) -> tuple[str, ...]:
    """Return what the answer lacks, also where its claim was dropped."""
    judged = state.get("sufficient") is False
    gaps = draft.missing or (missing_parts(state) if judged else ())
    cited = {citation.passage_id for citation in verified.citations}
    lost = [
        finding.text
        for finding in found_parts(state)
        if finding.quotes and not cited.intersection(q.passage_id for q in finding.quotes)
    ]
    return tuple(dict.fromkeys((*gaps, *lost)))


def _text(verified: Verified) -> str:
    """Set the claims with their citation numbers, after the span that answers shortly."""
    claims = [_said(claim) for claim in verified.claims]
    return "\n".join([*([f"{verified.lead}\n"] if verified.lead else []), *claims])


def _said(claim: Claim) -> str:
    """Set one claim: as quotations where it says nothing but its quotes."""
    beside = claim.text
    for citation in claim.citations:
        beside = beside.replace(citation.quote, "", 1)
    if any(letter.isalnum() for letter in beside):
        return f"{claim.text} {''.join(f'[{c.number}]' for c in claim.citations)}"
    quotes = (f"“{' '.join(c.quote.split())}” [{c.number}]" for c in claim.citations)
    return " ".join(quotes)


def _reason(state: State, *, conflict: bool = False) -> Reason:
    if conflict:
        return "conflict"
    stopped = state.get("stopped", "")
    if stopped == "budget":
        return "budget"
    return "no_evidence" if stopped == "no_evidence" else "insufficient"


def _common(state: State, confidence: float) -> dict[str, Any]:
    return {
        "run_id": state["run_id"],
        "confidence": confidence,
        "searches": tuple(search.query for search in state.get("searches", ())),
        "passages": state.get("evidence", ()),
        "usage": used(state),
    }
