"""The loop: run, limits, replay, compare, and the World that they are given."""
