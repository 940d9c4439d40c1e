"""Resets that go as they nearly always do: the same request, and byte for byte an answer that was understood before.

`between.reset` understands any answer. What it once made of one is remembered here, so that the next time it takes no
more than to find the same bytes again. Whatever is not found goes the long way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, cast

from agroal.pipeline.between import reported, undress_and_dress, wearable
from agroal.wire.answer import REMEMBERED, SHORT, end_of_answer
from agroal.wire.fields import Message
from agroal.wire.talk import T, Talk

VARIANTS: Final = 16
"""Answers to one request that are remembered: it depends on what the client had changed."""


class Routine:
    """One request for a reset, and the answers to it that left everything in order."""

    __slots__ = ("_known", "_wear", "request")

    def __init__(self, query: str, wear: tuple[tuple[str, str], ...]) -> None:
        self.request = undress_and_dress(query, dict(wear))
        self._wear = [name for name, _ in wear]
        self._known: dict[bytes, tuple[dict[str, str], dict[str, str], dict[str, str] | None]] = {}
        """What each reported: of the query, and of what was put on after it; what was underneath, if that says it."""

    def follow(self, said: bytes, parameters: dict[str, str]) -> Mapping[str, str] | None:
        """What the server wears after this answer, as `between.reset` says; None if the answer is not known.

        `parameters` are its reported settings, kept up to date.
        """
        known = self._known.get(said)
        if known is None:
            return None
        stripped, worn, bare = known
        has = parameters.__contains__
        if not (all(map(has, stripped)) and all(map(has, worn))):
            return None
        parameters.update(stripped)
        bare = {name: parameters[name] for name in self._wear} if bare is None else bare
        parameters.update(worn)
        return bare

    def goes_on(self, said: bytes) -> bool:
        """Whether this may be the beginning of an answer that is known."""
        return any(answer.startswith(said) and answer != said for answer in self._known)

    def is_worn(self, worn: Mapping[str, str]) -> bool:
        """Whether all that was to be put on was."""
        return len(worn) == len(self._wear)

    def learn(self, said: bytes) -> None:
        """This was an answer that `between.reset` found in order, and by which all was put on."""
        end = end_of_answer(said, len(said))
        if len(said) <= SHORT and len(self._known) < VARIANTS and end:
            stripped = reported(said[:end])
            says_all = stripped.keys() >= set(self._wear)
            bare = {name: stripped[name] for name in self._wear} if says_all else None
            self._known[said] = stripped, reported(said[end:]), bare


def routine(query: str, last: Mapping[str, str], parameters: Mapping[str, str]) -> Routine:
    """That for this query, where these were the last client's settings and the server reports those."""
    return _routine(query, tuple(wearable(last, parameters).items()))


_routine = lru_cache(REMEMBERED)(Routine)


def recorded(talk: Talk[T], heard: list[bytes]) -> Talk[T]:
    """The same talk; what the peer says in it is added to `heard`."""
    unit: Message | None = None
    while True:
        try:
            wanted = next(talk) if unit is None else talk.send(unit)
        except StopIteration as stop:
            return cast(T, stop.value)
        unit = yield wanted
        if unit:
            heard.append(unit[1])
