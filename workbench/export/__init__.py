"""Runs in the forms that others read: a self-contained HTML page, and OpenTelemetry spans."""
