"""What an import has to tell: one finding for each thing that it met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What became of something; the order is that of the report."""

    HUMAN = "needs you"
    WITHOUT = "without an equivalent"
    CHANGED = "taken over, with another meaning or value"
    TAKEN = "taken over"
    NEEDLESS = "needless here"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the files that are imported."""

    file: str
    line: int = 0
    """0: the file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    outcome: Outcome
    place: Place
    what: str
    """As it stood there, without secrets."""
    became: str = ""
    """What stands in agroal's files instead; empty for nothing."""
    says: str = ""
    """What is different, and what to do."""


@dataclass(slots=True)
class Findings:
    """Collects them."""

    all: list[Finding] = field(default_factory=list)

    def add(self, outcome: Outcome, place: Place, what: str, *, became: str = "", says: str = "") -> None:
        finding = Finding(outcome, place, what, became, says)
        if finding not in self.all:
            self.all.append(finding)

    def human(self, place: Place, what: str, says: str, *, became: str = "") -> None:
        """Somebody has to look at it."""
        self.add(Outcome.HUMAN, place, what, became=became, says=says)

    def of(self, outcome: Outcome) -> Iterator[Finding]:
        return (finding for finding in self.all if finding.outcome is outcome)

    def __bool__(self) -> bool:
        return bool(self.all)
