"""The colours of the screen: dark, light, and high contrast. The terminal's own palette is the framework's `ansi-*`."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="workbench-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#e0af68",
    foreground="#c8d0e0",
    background="#12151c",
    surface="#171b24",
    panel="#1f2530",
    boost="#262d3a",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={"footer-key-foreground": "#e0af68", "block-cursor-text-style": "none"},
)
LIGHT = Theme(
    name="workbench-light",
    primary="#2456b3",
    secondary="#0f6f8c",
    accent="#9a5b00",
    foreground="#20242c",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e7e4dc",
    boost="#dcd8ce",
    success="#2f7d32",
    warning="#9a5b00",
    error="#b3261e",
    dark=False,
    variables={"footer-key-foreground": "#9a5b00", "block-cursor-text-style": "none"},
)
CONTRAST = Theme(
    name="workbench-contrast",
    primary="#5cc8ff",
    secondary="#00ffd0",
    accent="#ffd400",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    boost="#2b2b2b",
    success="#3dff6e",
    warning="#ffd400",
    error="#ff6b6b",
    dark=True,
    variables={
        "text-muted": "#d8d8d8",
        "text-disabled": "#b8b8b8",
        "footer-key-foreground": "#ffd400",
        "block-cursor-text-style": "bold",
    },
)
THEMES = (DARK, LIGHT, CONTRAST)
