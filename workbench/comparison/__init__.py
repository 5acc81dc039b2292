"""Compare variants of an agent over inputs and repeats: their cost, and whether a difference is more than chance."""
