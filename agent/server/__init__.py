"""`suffice serve`: the page and the programs, over one HTTP server."""
