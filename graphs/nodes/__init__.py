"""One function a node: what goes in is the state, what comes out is what changed."""
