"""Regression cases: runs that are kept, with checks, and tested from their tape or live."""
