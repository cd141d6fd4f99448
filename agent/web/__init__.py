"""The page: static files, written by hand, that the server sends as they are."""
