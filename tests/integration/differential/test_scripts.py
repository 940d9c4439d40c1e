"""What PostgreSQL answers to a script, it answers through agroal: message by message, byte by byte."""

from __future__ import annotations

import pytest

from tests.integration.differential.conftest import Stage
from tests.integration.differential.scripts.batches import BATCHES
from tests.integration.differential.scripts.broken import BROKEN
from tests.integration.differential.scripts.copies import COPIES
from tests.integration.differential.scripts.forgetting import FORGETTING, NAMED
from tests.integration.differential.scripts.great import GREAT
from tests.integration.differential.scripts.portals import PORTALS
from tests.integration.differential.scripts.prepared import PREPARED
from tests.integration.differential.scripts.sessions import SESSIONS
from tests.integration.differential.scripts.simple import SIMPLE
from tests.integration.differential.scripts.statements import STATEMENTS
from tests.integration.differential.scripts.unknown import UNKNOWN
from tests.integration.differential.ways import WAYS
from tests.integration.differential.words import Script

SCRIPTS = SIMPLE | BATCHES | PORTALS | STATEMENTS | UNKNOWN | PREPARED | COPIES | SESSIONS | BROKEN | GREAT


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_answers_are_those_of_postgresql(stage: Stage, name: str) -> None:
    compare(stage, SCRIPTS[name])


@pytest.mark.parametrize("name", FORGETTING)
def test_a_session_is_made_new_as_by_postgresql(stage: Stage, name: str) -> None:
    compare(stage, FORGETTING[name], *NAMED)


def compare(stage: Stage, script: Script, *parameters: str) -> None:
    """Play it on all ways."""
    expected = stage.original(script, *parameters)

    for way in WAYS:
        assert stage.play(script, way, *parameters) == expected, str(way)
