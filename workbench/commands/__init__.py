"""The commands: each parses nothing, calls what does the work, and prints what came of it."""
