"""The loop: what ends it, what it never does, and what it says of itself."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from scripted import (
    FakeSearcher,
    ScriptedReasoner,
    claim,
    found,
    missing,
    parts,
    passage,
    query,
    run,
)

from suffice import BudgetExceeded, CallFailed, CallRefused, FilterError, StoreUnavailable
from suffice.tools.reason.protocol import Draft, Plan, Verdict
from suffice.tools.types import Budget, Query

RULE = passage("rule", "The duty officer signs off night berthing.")
ROTA = passage("rota", "This week the duty officer is Ada Brandt.")
FLAT = passage("flat", "The canteen opens at noon.")

ENOUGH = Plan(
    sufficient=True, subquestions=parts("who?"), findings=(found("1", "rule", RULE.text),)
)
GOOD = Draft(claims=(claim("rule", RULE.text),), confidence=0.8)
OUTAGES = [CallFailed("no reply"), CallRefused("wrong key"), StoreUnavailable("gone")]


def two_hops() -> tuple[ScriptedReasoner, FakeSearcher]:
    chain = parts("who signs?", "who is {1}?", after={"2": ("1",)})
    reasoner = ScriptedReasoner(
        plans=[
            Plan(
                sufficient=False,
                subquestions=chain,
                findings=(found("1", "rule", RULE.text), missing("2", "the duty officer's name")),
                queries=(query("duty officer name", "2"), query("officer rota", "2")),
            )
        ],
        verdicts=[Verdict(sufficient=True, findings=(found("2", "rota", ROTA.text),))],
        drafts=[Draft(claims=(claim("rule", RULE.text), claim("rota", ROTA.text)), confidence=0.7)],
    )
    searcher = FakeSearcher(
        {"who?": [RULE, FLAT], "duty officer name": [ROTA], "officer rota": [ROTA]}
    )
    return reasoner, searcher


# The way through


def test_an_easy_question_takes_one_search_and_no_second_round() -> None:
    ran = run(ScriptedReasoner([ENOUGH], [], [GOOD]), FakeSearcher({"who?": [RULE]}))
    assert ran.visits() == ["survey", "plan", "write", "verify"]
    assert ran.answer.status == "answered"
    assert ran.answer.usage.rounds == 1
    assert ran.answer.usage.searches == 1
    assert ran.answer.citations[0].quote == RULE.text


def test_a_bridge_is_followed_in_a_second_round_with_one_branch_a_query() -> None:
    ran = run(*two_hops())
    assert ran.visits() == [
        "survey", "plan", "search", "search", "rerank", "judge", "write", "verify",
    ]  # fmt: skip
    assert ran.answer.status == "answered"
    assert ran.answer.usage.rounds == 2
    assert [q.text for q in ran.answer.searches] == ["who?", "duty officer name", "officer rota"]
    assert {c.passage_id for c in ran.answer.citations} == {"rule", "rota"}


def test_branches_of_a_round_run_side_by_side() -> None:
    reasoner, searcher = two_hops()
    running = 0
    most = 0
    find = searcher.search

    async def slow(q: Query):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return await find(q)

    searcher.search = slow
    run(reasoner, searcher)
    assert most == 2


def test_the_persons_filter_holds_in_every_hop() -> None:
    reasoner, searcher = two_hops()
    reasoner.plans[0] = reasoner.plans[0].model_copy(
        update={"queries": (query("a", "2", {"team": "x", "year": 2020}), query("b", "2"))}
    )
    searcher.results |= {"a": [ROTA], "b": [ROTA]}
    run(reasoner, searcher, where={"team": "pilots"})
    assert [q.where for q in searcher.asked] == [
        {"team": "pilots"},
        {"team": "pilots", "year": 2020},
        {"team": "pilots"},
    ]


def test_a_filter_the_corpus_does_not_know_is_taken_off_but_never_the_persons() -> None:
    reasoner, searcher = two_hops()
    reasoner.plans[0] = reasoner.plans[0].model_copy(
        update={"queries": (query("duty officer name", "2", {"nonsense": 1}),)}
    )
    find = searcher.search

    async def strict(q: Query):
        if q.where and "nonsense" in q.where:
            raise FilterError("no such field")
        return await find(q)

    searcher.search = strict
    ran = run(reasoner, searcher, where={"team": "pilots"})
    assert ran.answer.status == "answered"
    assert all(q.where == {"team": "pilots"} for q in searcher.asked)


def test_a_wrong_filter_of_the_person_is_an_error_not_an_abstention() -> None:
    searcher = FakeSearcher({"who?": FilterError("unknown field")})
    with pytest.raises(FilterError, match="unknown field"):
        run(ScriptedReasoner([ENOUGH], [], [GOOD]), searcher, where={"tem": "x"})


def test_every_query_is_searched_once_only() -> None:
    reasoner, searcher = two_hops()
    again = (query("duty officer name"), query("Duty officer: name?"), query("who?"), query("  "))
    reasoner.plans[0] = reasoner.plans[0].model_copy(update={"queries": again})
    run(reasoner, searcher)
    assert [q.text for q in searcher.asked] == ["who?", "duty officer name"]


# What ends it


def test_a_loop_that_never_has_enough_ends_by_its_rounds() -> None:
    numbers = itertools.count()

    def more(_):
        return Verdict(sufficient=False, queries=(query(f"more {next(numbers)}"),))

    def always(q: str):
        return [passage(q, f"Something about {q}.")]

    searcher = FakeSearcher({})
    searcher.results = {"who?": [RULE], **{f"more {n}": always(f"more {n}") for n in range(50)}}
    reasoner = ScriptedReasoner([Plan(sufficient=False, queries=(query("more x"),))], [more])
    searcher.results["more x"] = always("more x")
    for rounds, expected in ((1, 1), (3, 3), (None, 10), (99, 10)):
        reasoner.seen.clear()
        ran = run(reasoner, searcher, budget=Budget(rounds=rounds))
        assert ran.answer.usage.rounds == expected
        assert (ran.answer.status, ran.answer.reason) == ("abstained", "budget")


def test_it_stops_when_nothing_new_comes_in() -> None:
    def more(situation):
        return Verdict(sufficient=False, queries=(query(f"again {situation.round}"),))

    searcher = FakeSearcher({"who?": [RULE], "more": [RULE]})
    reasoner = ScriptedReasoner([Plan(sufficient=False, queries=(query("more"),))], [more])
    ran = run(reasoner, searcher, budget=Budget(rounds=9))
    assert ran.answer.usage.rounds == 2
    assert (ran.answer.status, ran.answer.reason) == ("abstained", "insufficient")
    assert ran.answer.missing == ("who?",)


def test_an_empty_survey_abstains_without_thinking() -> None:
    reasoner = ScriptedReasoner([ENOUGH])
    ran = run(reasoner, FakeSearcher({}))
    assert (ran.answer.status, ran.answer.reason) == ("abstained", "no_evidence")
    assert reasoner.seen == []


def test_only_a_way_to_the_answer_is_not_part_of_it() -> None:
    reasoner, searcher = two_hops()
    reasoner.verdicts = [Verdict(sufficient=False, findings=(missing("2", "the officer's name"),))]
    ran = run(reasoner, searcher)
    assert (ran.answer.status, ran.answer.reason) == ("abstained", "insufficient")
    assert ran.answer.missing == ("the officer's name",)
    assert ran.answer.text == ""


@pytest.mark.parametrize("said", [("who is on duty",), ()])
def test_what_was_found_and_then_not_written_is_missing(said: tuple[str, ...]) -> None:
    short = Plan(
        sufficient=False,
        subquestions=parts("who?"),
        findings=(found("1", "rule", RULE.text),),
        queries=(query("more"),),
    )
    more = Verdict(sufficient=False, queries=(query("still more"),))
    reasoner = ScriptedReasoner([short], [more], [Draft(missing=said)])
    searcher = FakeSearcher({"who?": [RULE], "more": [ROTA]})
    ran = run(reasoner, searcher, budget=Budget(rounds=2))
    assert ran.answer.status == "abstained"
    assert ran.answer.missing == (said or ("who?",))


def test_one_of_two_things_asked_is_partial_and_says_what_is_missing() -> None:
    halves = parts("who signs?", "when is lunch?")
    plan = Plan(
        sufficient=False,
        subquestions=halves,
        findings=(found("1", "rule", RULE.text), missing("2", "when lunch is")),
    )
    ran = run(ScriptedReasoner([plan], [], [GOOD]), FakeSearcher({"who?": [RULE]}))
    assert (ran.answer.status, ran.answer.reason) == ("partial", "insufficient")
    assert ran.answer.missing == ("when lunch is",)


def test_a_conflict_is_partial_and_named() -> None:
    draft = GOOD.model_copy(update={"conflict": True})
    ran = run(ScriptedReasoner([ENOUGH], [], [draft]), FakeSearcher({"who?": [RULE]}))
    assert (ran.answer.status, ran.answer.reason) == ("partial", "conflict")


def test_below_the_threshold_nothing_is_answered() -> None:
    ran = run(ScriptedReasoner([ENOUGH], [], [GOOD]), FakeSearcher({"who?": [RULE]}), threshold=0.9)
    assert (ran.answer.status, ran.answer.reason) == ("abstained", "insufficient")
    assert ran.answer.citations == ()


# What must never happen


def test_no_answer_without_a_found_quote() -> None:
    lies = [
        Draft(claims=(claim("rule", "The cook signs off night berthing."),), confidence=1),
        Draft(claims=(claim("nowhere", "Nobody wrote this anywhere."),), confidence=1),
        Draft(),
    ]
    for lie in lies:
        reasoner = ScriptedReasoner([ENOUGH], [Verdict(sufficient=True)], [lie])
        ran = run(reasoner, FakeSearcher({"who?": [RULE]}))
        assert ran.answer.status == "abstained"
        assert ran.answer.text == ""
        assert ran.answer.claims == ()


def test_a_draft_that_does_not_hold_gets_one_more_round() -> None:
    lie = Draft(claims=(claim("rule", "The cook signs off night berthing."),))
    truth = Draft(claims=(claim("rota", ROTA.text),), confidence=0.6)
    verdicts = [
        Verdict(sufficient=False, queries=(query("officer rota"),)),
        Verdict(sufficient=True, findings=(found("1", "rota", ROTA.text),)),
    ]
    searcher = FakeSearcher({"who?": [RULE], "officer rota": [ROTA]})
    ran = run(ScriptedReasoner([ENOUGH], verdicts, [lie, truth]), searcher)
    assert ran.answer.status == "answered"
    assert ran.answer.text == f"“{ROTA.text}” [1]"
    assert any("cook" in str(e.result) for e in ran.events if e.type == "node_finished")


def test_a_dropped_claim_makes_the_rest_partial() -> None:
    both = Plan(
        sufficient=True,
        subquestions=parts("who signs?", "who is it?"),
        findings=(found("1", "rule", RULE.text), found("2", "rota", "Ada Brandt is tall indeed.")),
    )
    draft = Draft(claims=(claim("rule", RULE.text), claim("rota", "Ada Brandt is tall indeed.")))
    ran = run(ScriptedReasoner([both], [], [draft]), FakeSearcher({"who?": [RULE, ROTA]}))
    assert ran.answer.status == "partial"
    assert len(ran.answer.claims) == 1


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("step", ["survey", "plan", "search", "judge", "write"])
def test_an_outage_is_never_an_absence(step: str, outage: Exception) -> None:
    reasoner, searcher = two_hops()
    reasoner.verdicts = [
        Verdict(sufficient=False, findings=(missing("2", "x"),)) if step == "search" else outage
        if step == "judge" else reasoner.verdicts[0]
    ]  # fmt: skip
    if step == "survey":
        searcher.results["who?"] = outage
    elif step == "search":
        searcher.results |= {"duty officer name": outage, "officer rota": outage}
    elif step == "plan":
        reasoner.plans = [outage]
    elif step == "write":
        reasoner.drafts = [outage]
    ran = run(reasoner, searcher)
    assert (ran.answer.status, ran.answer.reason) == ("failed", "outage")
    assert str(outage) in ran.answer.text
    if step != "survey":
        assert RULE.id in {p.id for p in ran.answer.passages}


def test_what_was_found_before_an_outage_is_kept() -> None:
    reasoner, searcher = two_hops()
    reasoner.verdicts = [CallFailed("no reply")]
    answer = run(reasoner, searcher).answer
    assert answer.status == "failed"
    assert [c.quote for c in answer.citations] == [RULE.text]


def test_one_broken_branch_does_not_spoil_an_answer_that_stands() -> None:
    reasoner, searcher = two_hops()
    searcher.results["officer rota"] = StoreUnavailable("gone")
    assert run(reasoner, searcher).answer.status == "answered"


def test_a_reranker_that_breaks_leaves_the_order_of_the_search() -> None:
    class Broken:
        name = "broken"

        async def rank(self, question, candidates):
            raise CallFailed("no reranker")

    reasoner, searcher = two_hops()
    ran = run(reasoner, searcher, reranker=Broken())
    assert ran.answer.status == "answered"
    assert any("no reranker" in str(e) for e in ran.events)


@pytest.mark.parametrize("step", ["plan", "judge", "write"])
def test_a_spent_budget_ends_with_what_was_found(step: str) -> None:
    reasoner, searcher = two_hops()
    spent = BudgetExceeded("usd")
    if step == "plan":
        reasoner.plans = [spent]
    elif step == "judge":
        reasoner.verdicts = [spent]
    else:
        reasoner.drafts = [spent]
    answer = run(reasoner, searcher).answer
    if step == "plan":  # the share held back still buys the last word, from the survey alone
        assert (answer.status, len(answer.citations)) == ("answered", 1)
    elif step == "write":
        assert answer.status == "answered"
        assert len(answer.citations) == 2
    else:
        assert (answer.status, answer.reason) == ("abstained", "budget")


def test_a_thought_that_takes_too_long_ends_by_the_clock() -> None:
    async def forever(_):
        await asyncio.sleep(60)

    reasoner = ScriptedReasoner([forever], drafts=[Draft()])
    ran = run(reasoner, FakeSearcher({"who?": [RULE]}), budget=Budget(seconds=0.05))
    assert (ran.answer.status, ran.answer.reason) == ("abstained", "budget")
    assert ran.answer.usage.seconds < 5


def test_a_defect_in_a_node_is_raised_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        run(ScriptedReasoner([ZeroDivisionError("oops")]), FakeSearcher({"who?": [RULE]}))


# What the reasoner sees


def test_a_share_of_the_budget_is_held_back_for_the_last_word() -> None:
    reasoner, searcher = two_hops()
    run(reasoner, searcher, budget=Budget(llm_calls=4, tokens=1000, usd=1.0))
    left = {kind: situation.remaining for kind, situation in reasoner.seen}
    assert (left["plan"].llm_calls, left["write"].llm_calls) == (3, 4)
    assert (left["plan"].tokens, left["write"].tokens) == (750, 1000)
    assert (left["judge"].usd, left["write"].usd) == (0.75, 1.0)


def test_a_finding_is_never_forgotten() -> None:
    reasoner, searcher = two_hops()
    reasoner.verdicts = [
        Verdict(sufficient=True, findings=(missing("1", "?"), found("2", "rota", ROTA.text)))
    ]
    run(reasoner, searcher)
    (written,) = [situation for kind, situation in reasoner.seen if kind == "write"]
    assert all(finding.found for finding in written.findings)


# Single pass


def test_single_pass_retrieves_once_and_writes() -> None:
    ran = run(
        ScriptedReasoner([], [], [GOOD]), FakeSearcher({"who?": [RULE]}), strategy="single_pass"
    )
    assert ran.visits() == ["survey", "write", "verify"]
    assert ran.answer.status == "answered"


def test_single_pass_abstains_where_nothing_holds() -> None:
    ran = run(
        ScriptedReasoner([], [], [Draft()]), FakeSearcher({"who?": [RULE]}), strategy="single_pass"
    )
    assert ran.visits() == ["survey", "write", "verify", "abstain"]
    assert ran.answer.status == "abstained"


# Events


def test_starts_and_ends_pair_by_id_also_for_parallel_branches() -> None:
    ran = run(*two_hops())
    starts = [e for e in ran.events if e.type == "node_started"]
    ends = {e.id: e for e in ran.events if e.type == "node_finished"}
    assert len({e.id for e in starts}) == len(starts) == len(ends)
    assert all(ends[e.id].node == e.node and ends[e.id].at >= e.at for e in starts)
    assert [e.round for e in starts] == [1, 1, 2, 2, 2, 2, 2, 2]
    asked = [e.input["planned"]["query"]["text"] for e in starts if e.node == "search"]
    assert asked == ["duty officer name", "officer rota"]


def test_events_are_json_and_tokens_come_while_writing() -> None:
    ran = run(*two_hops())
    for event in ran.events:
        assert type(event).model_validate_json(event.model_dump_json()) == event
    kinds = [e.type for e in ran.events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert [e.text for e in ran.events if e.type == "token"] == [RULE.text, ROTA.text]
