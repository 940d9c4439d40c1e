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
from tests.integration.pipelines import PIPELINES

SCRIPTS = SIMPLE | BATCHES | PORTALS | STATEMENTS | UNKNOWN | PREPARED | COPIES | SESSIONS | BROKEN | GREAT


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_answers_are_those_of_postgresql(stage: Stage, pipeline: str, name: str) -> None:
    compare(stage, pipeline, name, SCRIPTS[name])


@pytest.mark.parametrize("name", FORGETTING)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_session_is_made_new_as_by_postgresql(stage: Stage, pipeline: str, name: str) -> None:
    compare(stage, pipeline, name, FORGETTING[name], *NAMED)


def compare(stage: Stage, pipeline: str, name: str, script: Script, *parameters: str) -> None:
    """Play it on all ways through a pipeline."""
    expected = stage.original(script, name, *parameters)

    for way in WAYS:
        if way.pipeline == pipeline:
            assert stage.play(script, way, *parameters) == expected, str(way)
