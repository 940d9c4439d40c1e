"""Cells that have no number to show."""

from __future__ import annotations

from agroal_top.views.text import Part, Tone

NOTHING = Part("·", Tone.DIM)
"""None, and that is well."""
UNKNOWN = Part("–", Tone.DIM)
