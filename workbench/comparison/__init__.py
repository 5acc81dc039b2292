"""Variants of an agent over inputs and repeats: what they do and cost, and whether differences are more than chance."""
