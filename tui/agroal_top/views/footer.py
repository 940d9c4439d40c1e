"""The last line: the keys that most people need, as long as there is room for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from agroal_top.keymap import Key
from agroal_top.views.text import Part, Tone


class Offer(NamedTuple):
    """A key, and whether it works now."""

    key: Key
    works: bool


def entries(offers: Iterable[Offer], labels: Mapping[str, str], columns: int) -> Iterator[tuple[str, list[Part]]]:
    """For each key with a word in the footer its action and what is written for it, up to the edge."""
    for key, works in offers:
        label = labels[key.id].split(", ")[0].replace("ctrl+", "^")
        columns -= len(label) + len(key.footer) + 2
        if columns < 0:
            return
        tones = (Tone.ACCENT, Tone.PLAIN) if works else (Tone.DIM, Tone.DIM)
        yield key.action, [Part(label, tones[0]), Part(f" {key.footer} ", tones[1])]
