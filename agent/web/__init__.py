"""The page that `suffice serve` opens: static files, no build step."""
