"""The state, the nodes, and the wiring of each graph."""
