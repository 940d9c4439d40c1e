"""Scripts that nobody has thought of: Hypothesis composes them of legal and illegal fragments.

They are the same at every run. `AGROAL_EXAMPLES=2000` tries so many, and others each time.
"""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.differential.conftest import Stage
from tests.integration.differential.scripts.forgetting import NAMED
from tests.integration.differential.scripts.fragments import FRAGMENTS, WAIT, compose
from tests.integration.differential.ways import MEDDLED_WAYS, WHOLE_WAYS

EXAMPLES = int(os.environ.get("AGROAL_EXAMPLES", "60"))
MOST = 12
"""Fragments of a script."""

fragments = st.lists(st.sampled_from([WAIT] * 20 + list(FRAGMENTS)), min_size=2, max_size=MOST)


@settings(max_examples=EXAMPLES, derandomize="AGROAL_EXAMPLES" not in os.environ, deadline=None, database=None)
@given(names=fragments)
def test_the_answers_to_any_script_are_those_of_postgresql(stage: Stage, names: list[str]) -> None:
    script = compose(names)
    expected = stage.original(script, *NAMED)

    for way in (*WHOLE_WAYS, *MEDDLED_WAYS):
        assert stage.play(script, way, *NAMED) == expected, str(way)
