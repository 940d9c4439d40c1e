from __future__ import annotations

from pathlib import Path

from agroal.config.model import Configuration, Files, LimitLine, ServerSettings, Settings

SETTINGS = Settings(host="localhost", port=2345, unix_socket_dir=Path("/tmp"))
FILES = Files(main=Path("agroal.conf"), hba=Path("agroal_hba.conf"))


def a_configuration(*servers: ServerSettings, limits: tuple[LimitLine, ...] = ()) -> Configuration:
    return Configuration(SETTINGS, servers, (), limits, FILES)


def test_the_primary_is_the_marked_server_or_the_first() -> None:
    a, b = ServerSettings(name="a", host="a"), ServerSettings(name="b", host="b", primary=True)
    assert a_configuration(a, b).primary is b
    assert a_configuration(a).primary is a


def test_an_alias_is_its_database_and_any_other_name_is_itself() -> None:
    limits = (
        LimitLine("f", 1, "shop", ("store", "old"), "web", 3, 0, 0),
        LimitLine("f", 2, "all", (), "all", 3, 0, 0),
    )
    configuration = a_configuration(ServerSettings(name="a", host="a"), limits=limits)
    assert [configuration.alias(name) for name in ("store", "old", "shop", "else")] == ["shop", "shop", "shop", "else"]
