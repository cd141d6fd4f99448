"""How well a corpus is answered: questions, outcomes, measures, and what to make of them."""
