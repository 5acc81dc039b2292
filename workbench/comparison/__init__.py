"""Compare: variants of an agent over inputs and repeats, what they cost and whether the difference is more than chance."""
