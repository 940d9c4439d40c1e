"""The themes of our own, beside those of Textual."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="agroal-dark",
    primary="#4f9fdc",
    secondary="#7a8fa6",
    accent="#6cc7e8",
    success="#5dc27a",
    warning="#e5b64b",
    error="#f0626b",
    foreground="#d6dde4",
    background="#101418",
    surface="#161b21",
    panel="#1f262e",
    dark=True,
)
LIGHT = Theme(
    name="agroal-light",
    primary="#1f6aa5",
    secondary="#5a6b7b",
    accent="#0b7285",
    success="#21763c",
    warning="#8a5a00",
    error="#b3202c",
    foreground="#1d2429",
    background="#fbfcfd",
    surface="#f1f4f6",
    panel="#e3e8ec",
    dark=False,
)
COLOUR_BLIND = Theme(
    name="agroal-cb",
    # The colours of Okabe and Ito that red-green blindness keeps apart: blue is well, orange is not.
    primary="#56b4e9",
    secondary="#8c9aa8",
    accent="#cc79a7",
    success="#56b4e9",
    warning="#f0e442",
    error="#e69f00",
    foreground="#e4e8ec",
    background="#0f1216",
    surface="#161b21",
    panel="#20272f",
    dark=True,
)
THEMES = (DARK, LIGHT, COLOUR_BLIND)
