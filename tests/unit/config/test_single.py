from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config import single as module
from agroal.config.change import changes
from agroal.config.choices import TlsMode
from agroal.config.keys import Key
from agroal.config.model import Configuration
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS
from agroal.config.single import Setting, assign, settings
from agroal.errors import ConfigurationError, Problem
from tests.certificates import Authority, Identity
from tests.unit.config.configurations import a_configuration, a_server, two_values


def refusal(configuration: Configuration, key: str, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        assign(configuration, key, text, {})
    return str(caught.value)


def one(configuration: Configuration, key: str) -> Setting:
    [setting] = settings(configuration, key)
    return setting


class TestGet:
    def test_every_key_has_a_setting_in_the_order_of_the_files(self) -> None:
        configuration = a_configuration(a_server("a"), a_server("b"))
        assert [setting.key for setting in settings(configuration)] == [
            *(key.name for key in KEYS),
            *(f"server.a.{key.name}" for key in SERVER_KEYS),
            *(f"server.b.{key.name}" for key in SERVER_KEYS),
        ]

    def test_a_setting_tells_all_about_its_key(self) -> None:
        configuration = a_configuration(idle_timeout=120.0, origins={"idle_timeout": "agroal.conf:5"})
        assert one(configuration, "idle_timeout") == Setting(
            key="idle_timeout",
            value="2m",
            default="0",
            origin="agroal.conf:5",
            reloadable=True,
            doc="Close a server connection that nobody used for this long; 0 is never.",
        )
        assert one(configuration, "server.one.host") == Setting(
            key="server.one.host",
            value="one",
            default="",
            origin="default",
            reloadable=False,
            doc="Name or address; with a leading / the directory of its Unix socket.",
        )

    def test_what_a_key_does_not_do_is_part_of_what_is_said_about_it(self) -> None:
        configuration = a_configuration()
        assert one(configuration, "hugepage").doc == "It has no meaning here: there is no shared memory."
        assert one(configuration, "console").doc == "Port of the web console; 0 is off. It has no effect yet."

    def test_a_default_that_depends_on_others_is_described(self) -> None:
        backlog = one(a_configuration(), "backlog")
        assert (backlog.value, backlog.default) == ("400", "four times max_connections, at least 128")

    def test_a_secret_is_masked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = tuple(replace(key, secret=key.name == "health_check_user") for key in KEYS)
        monkeypatch.setattr(module, "KEYS", keys)
        assert one(a_configuration(health_check_user="sesame"), "health_check_user").value == "********"

    @pytest.mark.parametrize(
        ("prefix", "count"),
        [
            ("log", 0),
            ("log_level", 1),
            ("server", 2 * len(SERVER_KEYS)),
            ("server.a", len(SERVER_KEYS)),
            ("server.a.port", 1),
            ("server.", 0),
            ("server.ab", len(SERVER_KEYS)),
        ],
    )
    def test_a_prefix_ends_at_a_dot(self, prefix: str, count: int) -> None:
        found = settings(a_configuration(a_server("a"), a_server("ab")), prefix)
        assert len(found) == count
        assert all(setting.key == prefix or setting.key.startswith(f"{prefix}.") for setting in found)


class TestSet:
    @pytest.mark.parametrize("key", [key for key in KEYS if not key.restart], ids=lambda key: key.name)
    def test_every_reloadable_key_can_be_set(self, key: Key) -> None:
        before, after = two_values(key)
        old = a_configuration(**{key.name: before})
        new = assign(old, key.name, key.spell(after), {})
        assert [change.key for change in changes(old, new)] == [key.name]
        assert getattr(new.settings, key.name) == after
        assert new.origins[key.name] == "conf set"

    def test_nothing_else_changes(self) -> None:
        old = a_configuration(a_server("a"), a_server("b"), origins={"port": "agroal.conf:1"})
        new = assign(old, "idle_timeout", "90", {})
        assert new == replace(
            old,
            settings=replace(old.settings, idle_timeout=90.0),
            origins={"port": "agroal.conf:1", "idle_timeout": "conf set"},
        )
        assert new.settings.derived == old.settings.derived

    def test_the_mark_of_a_server_can_be_set(self) -> None:
        old = a_configuration(a_server("a"), a_server("b"))
        new = assign(old, "server.b.primary", "on", {})
        assert new.primary.name == "b"
        assert new.origins == {"server.b.primary": "conf set"}
        assert assign(new, "server.b.primary", "off", {}).primary.name == "a"
        assert assign(new, "server.b.primary", "on", {}).primary.name == "b"

    def test_no_more_than_one_server_is_the_primary(self) -> None:
        marked = a_configuration(a_server("a", primary=True), a_server("b"))
        assert refusal(marked, "server.b.primary", "on") == (
            "conf set: server.b.primary: [a] is the primary already; expected one at most"
        )

    @pytest.mark.parametrize(
        ("key", "text", "complaint"),
        [
            ("idle_timeout", "often", "expected a duration such as 500ms, 30s, 5m, 1h, 1d or 1w"),
            ("background_interval", "1", "expected a duration from 5s to 520w, not '1'"),
            ("log_level", "loud", "expected fatal, error, warn, info, debug or trace, not 'loud'"),
            ("backlog", "65536", "expected a whole number from 0 to 65535, not '65536'"),
            ("log_path", "$NOWHERE/log", "expected the environment variable NOWHERE to be set"),
            ("server.one.primary", "perhaps", "expected on or off, not 'perhaps'"),
            ("log_line_prefix", "%H\nERROR", "expected one line of text"),
            ("log_path", "a\0b", "expected one line of text"),
        ],
    )
    def test_a_value_that_no_file_could_give_is_refused_with_what_was_expected(
        self, key: str, text: str, complaint: str
    ) -> None:
        assert refusal(a_configuration(), key, text).startswith(f"conf set: {key}: {complaint}")

    @pytest.mark.parametrize(
        ("key", "complaint"),
        [
            ("idel_timeout", "unknown key; did you mean idle_timeout?"),
            ("Idle_Timeout", "unknown key; did you mean idle_timeout?"),
            ("server.two.primary", "unknown key; did you mean server.one.primary?"),
            ("xyz", "unknown key"),
            ("", "unknown key"),
        ],
    )
    def test_an_unknown_key_is_told_the_nearest_one(self, key: str, complaint: str) -> None:
        assert refusal(a_configuration(), key, "on").endswith(f": {complaint}")

    def test_what_needs_a_restart_is_changed_in_the_file(self) -> None:
        assert refusal(a_configuration(), "port", "2346") == (
            "conf set: port: needs a restart: change it in /c/agroal.conf"
        )
        assert "needs a restart" in refusal(a_configuration(), "server.one.host", "elsewhere")

    def test_what_needs_a_restart_hears_first_that_its_value_is_wrong(self) -> None:
        assert "expected a whole number from 1 to 65535" in refusal(a_configuration(), "port", "0")

    def test_a_variable_stands_in_a_path(self) -> None:
        assert assign(a_configuration(), "log_path", "$HERE/log", {"HERE": "/x"}).settings.log_path == Path("/x/log")

    def test_a_path_that_is_left_empty_is_the_default(self) -> None:
        new = assign(a_configuration(log_path=Path("/x")), "log_path", "", {})
        assert new.settings.log_path == Path("agroal.log")

    def test_a_backlog_of_0_is_derived_again(self) -> None:
        new = assign(a_configuration(backlog=7), "backlog", "0", {})
        assert new.settings.backlog == 400

    def test_a_key_without_effect_is_set_with_a_notice_that_goes_with_its_value(self) -> None:
        other = Problem("agroal.conf", 3, "libev", "accepted")
        stale = Problem("agroal.conf", 4, "health_check", "of the file")
        set_on = assign(replace(a_configuration(), notices=(other, stale)), "health_check", "on", {})
        assert list(map(str, set_on.notices)) == [
            "agroal.conf:3: libev: accepted",
            "conf set: health_check: accepted, but has no effect yet",
        ]
        assert assign(set_on, "health_check", "off", {}).notices == (other,)

    def test_the_text_of_a_secret_is_in_no_complaint(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = tuple(replace(key, secret=key.name == "backlog") for key in KEYS)
        monkeypatch.setattr(module, "KEYS", keys)
        assert "sesame" not in refusal(a_configuration(), "backlog", "sesame")


class TestSetTls:
    """What a key about TLS is set to must fit as at a start."""

    @pytest.fixture
    def encrypted(self, tmp_path: Path) -> tuple[Configuration, Identity]:
        """With TLS on both sides, and another certificate with its key."""
        authority = Authority(tmp_path)
        ours, other = authority.issue("localhost"), authority.issue("other")
        files = {"tls_cert_file": ours.cert_file, "tls_key_file": ours.key_file, "tls_ca_file": authority.ca_file}
        server = a_server("one", tls=TlsMode.VERIFY_CA, **files)
        return a_configuration(server, tls=True, **files), other

    @pytest.mark.parametrize("prefix", ["", "server.one."])
    def test_a_file_that_does_not_fit_is_refused(self, encrypted: tuple[Configuration, Identity], prefix: str) -> None:
        configuration, other = encrypted
        told = refusal(configuration, f"{prefix}tls_key_file", str(other.key_file))
        assert told.startswith(
            f"conf set: {prefix}tls_key_file: {other.key_file} is not the key of the first certificate"
        )
        assert refusal(configuration, f"{prefix}tls_ca_file", "/nowhere") == (
            f"conf set: {prefix}tls_ca_file: /nowhere can't be read: No such file or directory"
        )

    def test_a_file_that_fits_is_taken(self, encrypted: tuple[Configuration, Identity], tmp_path: Path) -> None:
        configuration, _ = encrypted
        assert configuration.settings.tls_cert_file
        copy = tmp_path / "copy.crt"
        copy.write_bytes(configuration.settings.tls_cert_file.read_bytes())
        assert assign(configuration, "tls_cert_file", str(copy), {}).settings.tls_cert_file == copy
        assert assign(configuration, "server.one.tls_cert_file", str(copy), {}).servers[0].tls_cert_file == copy

    def test_what_a_mode_needs_is_asked_for(self, encrypted: tuple[Configuration, Identity]) -> None:
        configuration, _ = encrypted
        assert refusal(configuration, "tls_cert_file", "") == ("conf set: tls_cert_file: is missing; tls = on needs it")
        assert refusal(configuration, "server.one.tls_ca_file", "").startswith(
            "conf set: server.one.tls_ca_file: is missing"
        )
        assert refusal(a_configuration(), "server.one.tls_direct", "on").startswith(
            "conf set: server.one.tls_direct: on needs"
        )
        assert refusal(a_configuration(), "server.one.channel_binding", "require").startswith(
            "conf set: server.one.channel_binding: require needs TLS"
        )
        assert refusal(configuration, "tls_ciphers", "nonsense").startswith("conf set: tls_ciphers: has no cipher")

    def test_a_file_that_has_gone_keeps_nobody_from_setting_another_key(self) -> None:
        gone = Path("/nowhere")
        configuration = a_configuration(tls=True, tls_cert_file=gone, tls_key_file=gone)
        assert assign(configuration, "idle_timeout", "1s", {}).settings.idle_timeout == 1.0
        assert assign(configuration, "server.one.tls", "require", {}).servers[0].tls is TlsMode.REQUIRE
