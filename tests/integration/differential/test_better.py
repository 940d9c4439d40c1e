"""Where the answers are not those of PostgreSQL: agroal has words of its own, or heals what PostgreSQL refuses."""

from __future__ import annotations

import pytest

from tests.integration.differential.conftest import Stage
from tests.integration.differential.play import THE_END, greeting, show
from tests.integration.differential.scripts.prepared import ONE_NAMESPACE
from tests.integration.differential.ways import MEDDLED_WAYS, WHOLE_WAYS, Way
from tests.integration.differential.words import (
    END,
    READY,
    Script,
    ask,
    close_statement,
    describe_statement,
    each,
    execute,
    parse,
    run,
)
from tests.integration.pipelines import PIPELINES
from tests.unit.wire.messages import SYNC, message

IN_ONE_PIECE = [*WHOLE_WAYS, *MEDDLED_WAYS]
"""A batch that comes in several has been passed on in part when its end is known."""
CHANGE = each("ALTER TABLE changing ALTER v TYPE text")
UNDO = each("ALTER TABLE changing ALTER v TYPE int USING v::int")
PREPARED: Script = [parse("s", "SELECT v FROM changing") + SYNC, READY, run("s") + SYNC, READY]
ANEW: Script = [close_statement("s") + parse("s", "SELECT v FROM changing") + SYNC, READY]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_greeting_is_that_of_postgresql(stage: Stage, pipeline: str) -> None:
    directly = greeting(stage.postgres, stage.who)

    assert greeting(stage.pools[pipeline], stage.who) == directly


@pytest.mark.parametrize("way", MEDDLED_WAYS, ids=str)
def test_the_client_of_a_script_is_driven_from_server_to_server(stage: Stage, way: Way) -> None:
    """What makes the plays of this way worth something."""
    rows = [line for line in stage.play(each(*["SELECT pg_backend_pid()"] * 4), way) if line.startswith("D")]

    assert rows[0] == rows[2] != rows[1] == rows[3]


@pytest.mark.parametrize("way", IN_ONE_PIECE, ids=str)
def test_a_statement_whose_result_has_changed(stage: Stage, way: Way) -> None:
    """Q16: in the transaction pipeline it is as if the client had prepared it anew, if its batch came in one piece."""
    refused = stage.original([*PREPARED, *CHANGE, run("s") + SYNC, READY, *UNDO])
    anew = stage.original([*PREPARED, *CHANGE, *ANEW, run("s") + SYNC, READY, *UNDO])
    healed = [line for at, line in enumerate(anew) if not len(anew) - 10 <= at < len(anew) - 7]
    assert any("cached plan must not change result type" in line for line in refused)

    heard = stage.play([*PREPARED, *CHANGE, run("s") + SYNC, READY, *UNDO], way)

    assert heard == (healed if way.pipeline == "transaction" else refused)


@pytest.mark.parametrize("way", WHOLE_WAYS, ids=str)
def test_a_statement_whose_result_has_changed_fails_in_a_transaction(stage: Stage, way: Way) -> None:
    """Q16: whatever the transaction has done would be lost."""
    script = [*PREPARED, *CHANGE, *each("BEGIN"), run("s") + SYNC, READY, *each("ROLLBACK"), *UNDO]
    expected = stage.original(script)
    assert any("cached plan must not change result type" in line for line in expected)

    assert stage.play(script, way) == expected


@pytest.mark.parametrize("way", IN_ONE_PIECE, ids=str)
def test_a_statement_is_described_as_it_is_now(stage: Stage, way: Way) -> None:
    """Q16: others may have prepared the same text before its table has changed."""
    script = [
        *PREPARED,
        *CHANGE,
        *each("SELECT 1"),
        parse("t", "SELECT v FROM changing") + describe_statement("t") + SYNC,
        READY,
        *UNDO,
    ]
    expected = stage.original(script)

    assert stage.play(script, way) == expected


@pytest.mark.parametrize("name", ONE_NAMESPACE)
@pytest.mark.parametrize("way", WHOLE_WAYS, ids=str)
def test_statements_of_sql_and_of_the_protocol_share_their_names(stage: Stage, way: Way, name: str) -> None:
    """Except in the transaction pipeline, where those of the protocol have other names on the server."""
    expected = stage.original(ONE_NAMESPACE[name])

    heard = stage.play(ONE_NAMESPACE[name], way)

    assert (heard == expected) == (way.pipeline != "transaction")
    assert [line for line in heard if line.startswith("Z")] == ["Z b'I'"] * 3


BEYOND_REPAIR = {
    "an unknown type": message("y", b"what?"),
    "no type": bytes(64),
    "a password": message("p", b"secret\0"),
    "a server's row": message("T", b"\0\0"),
    "a length of 3": b"Q\0\0\0\3",
    "a length of -1": b"Q\xff\xff\xff\xff",
    "an Execute of 20 000 bytes": execute("x" * 20_000),
    "a Describe of 20 000 bytes": describe_statement("x" * 20_000),
    "a Close of 20 000 bytes": close_statement("x" * 20_000),
}
"""PostgreSQL ends the session, not always with a word."""


@pytest.mark.parametrize("said", BEYOND_REPAIR.values(), ids=BEYOND_REPAIR)
@pytest.mark.parametrize("way", WHOLE_WAYS, ids=str)
def test_what_is_beyond_repair_ends_the_session_and_the_client_is_told(stage: Stage, way: Way, said: bytes) -> None:
    """Q18: after the same answers to what was in order."""
    script = [*each("SELECT 1"), ask("SELECT 2") + said, END]
    original, heard = stage.original(script), stage.play(script, way)

    assert heard[-1] == original[-1] == show(THE_END)
    if way.pipeline != "performance":  # which does not know whether the client is in the middle of an answer
        assert heard[-2].startswith(("E b'SFATAL\\x00VFATAL\\x00C08P01", "E b'SFATAL\\x00VFATAL\\x00C08006"))
    before = [line for line in heard[:-1] if line[0] != "E"]
    assert before == [line for line in original[:-1] if line[0] != "E"][: len(before)]
    assert len(before) >= 4, "the first answer is whole"
