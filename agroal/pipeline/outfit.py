"""The settings of a client in the transaction pipeline, which every server that it gets has to have.

PostgreSQL reports some settings whenever they change (GUC_REPORT), so what a client sets of these goes with it. The
others that its start-up packet asked for are put on each server, too, and taken off again. Two clients with the same
settings have the same Outfit, so that nothing need be compared when one follows the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

FIXED: Final = frozenset(
    (
        "server_version",
        "server_encoding",
        "integer_datetimes",
        "in_hot_standby",
        "is_superuser",
        "session_authorization",
    )
)
"""Reported, but not for a client to set, or not by agroal for it."""
MOST: Final = 4096
"""Outfits that are remembered."""

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outfit:
    """What a client has set, or has found. Compared by identity: the Wardrobe has one of each."""

    reported: Mapping[str, str]
    """By the names that PostgreSQL reports."""
    others: Mapping[str, str]
    dialect: Hashable
    """The same for all clients to whom a text means the same."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of the settings that a start-up packet asked for."""

    outfit: Outfit
    parameters: Mapping[str, str]
    """All that is reported to its client."""


class Wardrobe:
    """All outfits."""

    def __init__(self) -> None:
        self._outfits: OrderedDict[tuple[Settings, Settings], Outfit] = OrderedDict()
        self._fitted: OrderedDict[Hashable, Fitted] = OrderedDict()

    def outfit(self, parameters: Mapping[str, str], others: Mapping[str, str]) -> Outfit:
        """The one with these reported settings and these others."""
        reported = {name: value for name, value in parameters.items() if name not in FIXED}
        key = tuple(sorted(reported.items())), tuple(sorted(others.items()))
        found = self._outfits.get(key)
        if found is None:
            dialect = tuple(pair for pair in key[0] if pair[0] != "application_name"), key[1]
            found = self._outfits[key] = Outfit(reported, dict(others), dialect)
            _trim(self._outfits)
        return found

    def known(self, asked: Hashable) -> Fitted | None:
        """What came of this before."""
        return self._fitted.get(asked)

    def fitted(self, asked: Hashable, outfit: Outfit, parameters: Mapping[str, str]) -> Fitted:
        """Remember what has come of it."""
        fitted = self._fitted[asked] = Fitted(outfit, dict(parameters))
        _trim(self._fitted)
        return fitted


def wanted(settings: Mapping[str, str], base: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The reported settings and the others that a client with this start-up packet has to have.

    `base` is what a server reports to a client that asks for nothing.
    """
    names = {name.lower(): name for name in base}
    reported = {name: value for name, value in base.items() if name not in FIXED}
    others: dict[str, str] = {}
    for name, value in settings.items():
        if (known := names.get(name.lower())) is not None:
            reported[known] = value
        else:
            others[name.lower()] = value
    return reported, others


def changes(
    reported: Mapping[str, str],
    others: Mapping[str, str],
    parameters: Mapping[str, str],
    worn: Mapping[str, str],
) -> Iterator[tuple[str, str | None]]:
    """What to set on a server that reports `parameters` and wears these others; None takes one off."""
    for name, value in reported.items():
        if parameters.get(name) != value:
            yield name, value
    for name, value in others.items():
        if worn.get(name) != value:
            yield name, value
    for name in worn:
        if name not in others:
            yield name, None


def _trim(remembered: OrderedDict[Any, Any]) -> None:
    if len(remembered) > MOST:
        remembered.popitem(last=False)
