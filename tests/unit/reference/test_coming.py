from __future__ import annotations

import re

import pytest

from agroal.config.keys import Support
from agroal.config.settings import KEYS
from agroal.importing.bouncer_keys import DATABASES, MAIN, USERS, Key
from agroal.importing.pgagroal import OTHERWISE
from agroal.reference.coming import agroal_page, bouncer_page
from agroal.reference.markdown import markdown

BOUNCER = markdown("Coming from PgBouncer", bouncer_page())
AGROAL = markdown("Coming from pgagroal", agroal_page())


@pytest.mark.parametrize("keys", [MAIN, DATABASES, USERS], ids=["[pgbouncer]", "[databases]", "[users]"])
def test_every_key_of_pgbouncer_has_a_row(keys: tuple[Key, ...]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", BOUNCER, re.MULTILINE)
    assert {key.name for key in keys} <= set(rows)
    assert len(rows) == len(MAIN) + len(DATABASES) + len(USERS)


def test_keys_of_pgagroal_that_mean_something_else_or_nothing_have_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", AGROAL, re.MULTILINE))
    assert rows == {*OTHERWISE, *(key.name for key in KEYS if key.support is Support.NEVER)}


def test_what_means_something_else_is_a_key() -> None:
    assert set(OTHERWISE) <= {key.name for key in KEYS}


@pytest.mark.parametrize("page", [BOUNCER, AGROAL])
def test_the_commands_are_there(page: str) -> None:
    assert "agroal-admin import -o /etc/agroal /etc/pg" in page
    assert "agroal doctor -D /etc/agroal" in page
