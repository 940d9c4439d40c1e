from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config import describe as module
from agroal.config.describe import describe
from agroal.config.load import load, locate
from agroal.config.model import Configuration
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS

Place = Callable[..., Path]


def read(directory: Path) -> Configuration:
    return load(locate({}, directory, {}), {})


def line_of(text: str, start: str) -> str:
    [line] = [line for line in text.split("\n") if line.startswith(start)]
    return " ".join(line.split())


def test_every_key_has_a_line_with_its_value_and_where_it_comes_from(place: Place) -> None:
    directory = place("blocking_timeout = 90")
    text = describe(read(directory))
    main, _, primary = text.partition("[primary]")
    assert [line.split(" = ")[0] for line in main.split("\n") if " = " in line] == [key.name for key in KEYS]
    assert [line.split(" =")[0] for line in primary.split("\n") if " = " in line] == [key.name for key in SERVER_KEYS]
    assert line_of(main, "blocking_timeout =") == f"blocking_timeout = 90s # {directory}/agroal.conf:5"
    assert line_of(main, "connect_timeout =") == "connect_timeout = 10s # default"
    assert line_of(main, "libev =") == "libev = auto # default, has no meaning here"
    assert line_of(main, "health_check =") == "health_check = off # default, has no effect yet"
    assert line_of(primary, "host =") == f"host = localhost # {directory}/agroal.conf:7"


def test_the_lines_of_the_other_files_follow(place: Place) -> None:
    directory = place(
        agroal_hba='local all all trust\n\nhost all,"all","a b" joe 10.1.2.3/8 md5\n',
        agroal_databases='shop=store,"old shop" web 30 1 5\n',
        agroal_users="",
    )
    text = describe(read(directory))
    assert text.partition("# Who may come in")[2] == (
        f": {directory}/agroal_hba.conf\n"
        "#   line 1: local  all  all  trust\n"
        '#   line 3: host  all,"all","a b"  joe  10.0.0.0/8  md5\n'
        "\n"
        "# Who certificates are: no file\n"
        "\n"
        f"# Limits: {directory}/agroal_databases.conf\n"
        '#   line 1: shop=store,"old shop"  web  30  5  5\n'
        "\n"
        "# Encrypted files\n"
        f"#   users: {directory}/agroal_users.conf\n"
        "#   frontend_users: no file\n"
        "#   admins: no file\n"
        "#   superuser: no file\n"
        "\n"
        "# Notices\n"
        f"#   {directory}/agroal_databases.conf:1: INITIAL_SIZE: 1 is raised to MIN_SIZE, 5\n"
    )


def test_the_text_is_a_main_file_that_says_the_same(place: Place) -> None:
    texts = "log_line_prefix = ' # %H '\nserver_reset_query =\npidfile = /x/a b.pid\n"
    main = texts + "connection_retry_delay = 10\nlibev = port\nmetrics_cache_max_size = 1000"
    directory = place(main, "port = 5433\nprimary = on\n[two]\nhost = /run\n")
    before = read(directory)
    (directory / "agroal.conf").write_text(describe(before))
    after = read(directory)
    assert after.settings == before.settings
    assert after.servers == before.servers


def test_a_secret_is_masked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEYS", tuple(replace(key, secret=key.name == "health_check_user") for key in KEYS))
    text = describe(read(place("health_check_user = sesame")))
    assert "sesame" not in text
    assert line_of(text, "health_check_user").startswith("health_check_user = ********")
