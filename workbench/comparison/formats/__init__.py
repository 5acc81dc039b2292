"""A report written down: each format takes it and computes nothing."""
