"""Ask the papers of a harbour two questions: one they answer, one they do not."""

from pathlib import Path

from suffice import Agent, Corpus

HERE = Path(__file__).parent
QUESTIONS = ["Who signs off night berthing for tankers?", "How tall is Gannet Light?"]

with Corpus.open(HERE / ".suffice") as corpus:
    corpus.add([HERE / "harbour"])
    with Agent(corpus) as agent:
        for question in QUESTIONS:
            answer = agent.ask(question)
            print(f"{question}\n  {answer.status}: {answer.text or answer.missing}")
            for citation in answer.citations:
                print(f"  [{citation.number}] {citation.source}: {citation.quote}")
