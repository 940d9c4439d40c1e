from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agroal.config.keys import Support
from agroal.config.load import ROLES, load, locate
from agroal.config.model import Configuration, Files
from agroal.config.settings import KEYS
from agroal.errors import ConfigurationError
from tests.certificates import Authority

Place = Callable[..., Path]
EXAMPLES = Path(__file__).parents[3] / "conf"


def read(directory: Path, **flags: Path) -> Configuration:
    return load(locate(flags, directory, {}), {})


def complaints(directory: Path, **flags: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(directory, **flags)
    return str(caught.value).replace(f"{directory}/", "").split("\n")


def touch(directory: Path, *names: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).touch()
    return directory


def test_a_flag_wins_over_d_over_the_environment_over_etc(tmp_path: Path) -> None:
    environ = {"AGROAL_CONFIG_DIR": "/from/environment"}
    flag = tmp_path / "mine.conf"
    assert locate({}, None, {}).main == Path("/etc/agroal/agroal.conf")
    assert locate({}, None, {"AGROAL_CONFIG_DIR": ""}).main == Path("/etc/agroal/agroal.conf")
    assert locate({}, None, environ).main == Path("/from/environment/agroal.conf")
    assert locate({}, tmp_path, environ).main == tmp_path / "agroal.conf"
    files = locate({"main": flag, "hba": None}, tmp_path, environ)
    assert (files.main, files.hba) == (flag, tmp_path / "agroal_hba.conf")


def test_each_file_tells_why_it_is_looked_for(tmp_path: Path) -> None:
    files = locate({"main": Path("/x")}, tmp_path, {})
    assert files.origins == {"main": "because of -c", "hba": f"because of -D {tmp_path}"}
    assert locate({}, None, {"AGROAL_CONFIG_DIR": "/y"}).origins["hba"] == "because of AGROAL_CONFIG_DIR=/y"
    assert locate({}, None, {}).origins["hba"] == "the default place; -D names another"


def test_optional_files_are_taken_where_they_are(tmp_path: Path) -> None:
    assert locate({}, tmp_path, {}) == Files(
        main=tmp_path / "agroal.conf",
        hba=tmp_path / "agroal_hba.conf",
        origins={"main": f"because of -D {tmp_path}", "hba": f"because of -D {tmp_path}"},
    )
    touch(tmp_path, *(role.filename("agroal") for role in ROLES))
    files = locate({}, tmp_path, {})
    assert {role.name: getattr(files, role.name).name for role in ROLES} == {
        "main": "agroal.conf",
        "hba": "agroal_hba.conf",
        "ident": "agroal_ident.conf",
        "limits": "agroal_databases.conf",
        "users": "agroal_users.conf",
        "frontend_users": "agroal_frontend_users.conf",
        "admins": "agroal_admins.conf",
        "superuser": "agroal_superuser.conf",
    }


def test_a_directory_of_pgagroal_is_taken_as_it_is(tmp_path: Path) -> None:
    files = locate({}, touch(tmp_path, "pgagroal.conf", "pgagroal_hba.conf", "pgagroal_users.conf"), {})
    assert (files.main.name, files.hba.name, files.limits) == ("pgagroal.conf", "pgagroal_hba.conf", None)
    assert files.users == tmp_path / "pgagroal_users.conf"


def test_files_of_pgagroal_beside_ours_do_not_count(tmp_path: Path) -> None:
    files = locate({}, touch(tmp_path, "agroal_hba.conf", "pgagroal.conf", "pgagroal_databases.conf"), {})
    assert (files.main.name, files.limits) == ("agroal.conf", None)


def test_the_files_make_a_configuration(place: Place) -> None:
    directory = place("max_connections = 50", "port = 5433", agroal_databases="shop=store web 20 5\nall all all\n")
    configuration = read(directory)
    assert configuration.settings.max_connections == 50
    assert configuration.primary.port == 5433
    assert [line.type for line in configuration.hba] == ["host"]
    assert [limit.max_size for limit in configuration.limits] == [20, 30]
    assert configuration.alias("store") == "shop"
    assert configuration.notices == ()
    assert configuration.origins["max_connections"] == f"{directory}/agroal.conf:5"
    assert "blocking_timeout" not in configuration.origins


def test_without_a_databases_file_there_are_no_limits(place: Place) -> None:
    assert read(place()).limits == ()


def test_all_problems_of_all_files_come_at_once_in_order(place: Place, tmp_path: Path) -> None:
    directory = place(
        "tls = maybe\nport = 1\nnonsense",
        agroal_hba="host all all nowhere trust\n",
        agroal_databases="shop web 101\n",
    )
    assert [message.split(": ")[:2] for message in complaints(directory, users=tmp_path / "no" / "users")] == [
        ["agroal.conf:5", "tls"],
        ["agroal.conf:6", "port"],
        ["agroal.conf:7", "is not understood; expected `key = value`, `[section]` or a comment"],
        ["agroal_hba.conf:1", "ADDRESS"],
        ["agroal_databases.conf:1", "MAX_SIZE"],
        ["no/users", "there is no directory no (because of -u)"],
    ]


def test_the_problems_of_a_configuration_error_are_to_be_had(place: Place) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(place("tls = maybe"))
    [problem] = caught.value.problems
    assert (Path(problem.file).name, problem.line, problem.key) == ("agroal.conf", 5, "tls")


def test_limits_are_checked_even_when_the_settings_are_wrong(place: Place) -> None:
    directory = place("tls = maybe\nmax_connections = 10", agroal_databases="shop web 11\n")
    assert len(complaints(directory)) == 2


@pytest.mark.parametrize("role", [role for role in ROLES if not role.mandatory], ids=lambda role: role.name)
def test_an_optional_file_that_a_flag_names_must_exist(role: object, place: Place, tmp_path: Path) -> None:
    assert isinstance(role, type(ROLES[0]))
    assert complaints(place(), **{role.name: tmp_path / "none"}) == [f"none: no such file (because of {role.flag})"]


def test_the_mandatory_files_must_exist(tmp_path: Path) -> None:
    assert complaints(tmp_path) == [
        f"agroal.conf: no such file (because of -D {tmp_path})",
        f"agroal_hba.conf: no such file (because of -D {tmp_path})",
    ]


def test_a_directory_in_the_place_of_a_file_is_a_problem(place: Place) -> None:
    directory = place()
    (directory / "agroal_databases.conf").mkdir()
    (directory / "agroal_users.conf").mkdir()
    assert [message.split(";")[0] for message in complaints(directory)] == [
        "agroal_databases.conf: is a directory",
        "agroal_users.conf: is a directory",
    ]


def test_encrypted_files_are_not_looked_into(place: Place) -> None:
    directory = place()
    (directory / "agroal_users.conf").write_bytes(b"\0\xff")
    assert read(directory).files.users == directory / "agroal_users.conf"


def test_notices_of_all_files_come_in_order(place: Place) -> None:
    configuration = read(
        place("hugepage = try\nlibev = auto", agroal_hba="hostssl all all all md5", agroal_databases="a u 5 1 2")
    )
    assert [notice.key for notice in configuration.notices] == ["hugepage", "libev", "TYPE", "INITIAL_SIZE"]


def test_the_environment_of_the_process_is_the_default(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGROAL_CONFIG_DIR", str(place("log_path = $A_PLACE/log")))
    monkeypatch.setenv("A_PLACE", "/somewhere")
    assert load(locate({})).settings.log_path == Path("/somewhere/log")


def test_the_hba_file_is_read_with_what_the_others_say(place: Place, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("localhost")
    tls = f"tls = on\ntls_cert_file = {ours.cert_file}\ntls_key_file = {ours.key_file}\n"
    lines = "hostssl all all all cert map=here\nhostssl all all all cert map=nowhere\n"
    files = {"agroal_hba": lines, "agroal_ident": "here /^(.*)$ \\1\n"}
    configuration = read(place(f"{tls}tls_ca_file = {authority.ca_file}", **files))
    assert [line.map for line in configuration.hba] == ["here", "nowhere"]
    assert [line.map for line in configuration.ident] == ["here"]
    assert [(notice.line, notice.message) for notice in configuration.notices] == [
        (2, "map 'nowhere' is not in the ident file: nobody can come in")
    ]
    wanting = "METHOD: cert needs {} in the main section"
    for main, missing in ((tls, "tls_ca_file"), ("", "tls = on")):
        told = [f"agroal_hba.conf:{line}: {wanting.format(missing)}" for line in (1, 2)]
        assert complaints(place(main, **files)) == told
    assert complaints(place("tls = maybe", **files)) == ["agroal.conf:5: tls: expected on or off, not 'maybe'"]


def test_the_examples_load_as_they_are() -> None:
    configuration = read(EXAMPLES)
    assert configuration.notices == ()
    assert configuration.primary.port == 5432
    assert configuration.settings.port == 2345
    assert configuration.hba
    assert configuration.files.users == EXAMPLES / "agroal_users.conf"


def test_the_example_shows_every_key_that_has_its_effect_and_no_other() -> None:
    text = (EXAMPLES / "agroal.conf").read_text().partition("[primary]")[0]
    shown = re.findall(r"^#?([a-z_]+) =", text, re.MULTILINE)
    assert sorted(shown) == sorted(key.name for key in KEYS if key.support is Support.HONOURED)


def test_the_keys_in_comments_of_the_example_have_their_defaults(place: Place) -> None:
    text = (EXAMPLES / "agroal.conf").read_text()
    directory = place(agroal=re.sub(r"^#([a-z_]+ =)", r"\1", text, flags=re.MULTILINE))
    assert read(directory).settings == read(EXAMPLES).settings


def test_the_commented_lines_of_the_other_examples_are_right(place: Place) -> None:
    def uncommented(name: str) -> str:
        return re.sub(r"^#(?=\w)", "", (EXAMPLES / name).read_text(), flags=re.MULTILINE)

    names = ("agroal_hba", "agroal_databases", "agroal_ident")
    configuration = read(place(**{name: uncommented(f"{name}.conf") for name in names}))
    assert [line.address is None for line in configuration.hba] == [True, False, False, False, False]
    assert [limit.user for limit in configuration.limits] == ["web", "report", "batch", "jobs"]
    assert [line.map for line in configuration.ident] == ["apps", "apps"]
    assert configuration.notices == ()


def test_a_file_of_pgagroal_loads_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pgagroal.conf").write_text(
        "[pgagroal]\nhost = localhost\nport = 2345\n\nlog_type = console\nlog_level = debug5\nlog_path = \n\n"
        "max_connections = 100\nidle_timeout = 600\nvalidation = off\nunix_socket_dir = /tmp/\nlibev = auto\n\n"
        "[primary]\nhost = localhost\nport = 5432\n"
    )
    (tmp_path / "pgagroal_hba.conf").write_text(
        "#\n# TYPE  DATABASE USER  ADDRESS  METHOD\n#\nhost    all      all   all      all\n"
    )
    (tmp_path / "pgagroal_databases.conf").write_text("mydb=prod,main myuser all\n")
    configuration = read(tmp_path)
    assert configuration.settings.idle_timeout == 600.0
    assert configuration.limits[0].aliases == ("prod", "main")
    assert [notice.key for notice in configuration.notices] == ["libev"]


@given(
    data=st.lists(
        st.binary() | st.sampled_from([b"[agroal]\n", b"port = ", b"[a]\n", b"host ", b"all ", b"1\n"]),
        min_size=4,
        max_size=12,
    )
)
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_the_files_only_a_configuration_error_is_raised(data: list[bytes], tmp_path: Path) -> None:
    names = ["agroal.conf", "agroal_hba.conf", "agroal_databases.conf", "agroal_ident.conf"]
    for position, name in enumerate(names):
        (tmp_path / name).write_bytes(b"".join(data[position::4]))
    with suppress(ConfigurationError):
        assert read(tmp_path).settings.host
