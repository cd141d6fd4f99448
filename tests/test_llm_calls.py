"""What was said to models, and what they said, stands in the steps of a run."""

from __future__ import annotations

from tugs import QUICK, documents, question

from suffice import Agent, Corpus
from suffice.errors import CallFailed
from suffice.testing import ScriptedModel, reasoner

PLAN = {"parts": [{"part": 1, "question": "Where is the tug Anchor moored?"}]}


def steps(model: ScriptedModel, place: str = ":memory:"):
    with Corpus.open(place, **QUICK) as corpus:
        corpus.add(documents())
        with Agent(corpus, reasoner=reasoner(model)) as agent:
            return [e for e in agent.stream(question("Anchor")) if e.type == "node_finished"]


def test_a_step_keeps_its_prompt_and_its_reply():
    model = ScriptedModel([PLAN, CallFailed("gone")])
    plan = next(step for step in steps(model) if step.node == "plan")
    (call,) = plan.result["calls"]
    assert call["model"] == "test:scripted"
    assert question("Anchor") in call["user"]
    assert call["system"] == model.prompts[0].system
    assert "Where is the tug Anchor moored?" in call["reply"]
    assert call["usage"]["input_tokens"] > 0


def test_a_call_that_failed_is_kept_with_what_came_instead():
    plan = next(step for step in steps(ScriptedModel([CallFailed("gone")])) if step.node == "plan")
    assert "gone" in plan.result["calls"][0]["reply"]


def test_steps_that_call_nobody_keep_no_calls():
    kept = {step.node: "calls" in step.result for step in steps(ScriptedModel([PLAN]))}
    assert kept["plan"]
    assert not kept["survey"]
