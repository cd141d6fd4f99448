"""Planning, judging and writing."""
