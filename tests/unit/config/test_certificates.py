from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from agroal.config.certificates import check_clients, check_metrics, check_server
from agroal.config.choices import ChannelBinding, TlsMode
from agroal.config.report import Report
from agroal.config.servers import ServerSettings
from tests.certificates import Authority, Identity
from tests.unit.config.test_settings import a_setting

STRICT = [TlsMode.REQUIRE, TlsMode.VERIFY_CA, TlsMode.VERIFY_FULL]
LENIENT = [TlsMode.DISABLE, TlsMode.ALLOW, TlsMode.PREFER]


@dataclass(frozen=True)
class Files:
    """What there is on disk."""

    directory: Path
    ours: Identity
    other: Identity
    ca: Path

    def write(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_bytes(content)
        path.chmod(mode)
        return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    directory = tmp_path_factory.mktemp("certificates")
    authority = Authority(directory)
    return Files(directory, authority.issue("localhost"), authority.issue("other"), authority.ca_file)


def of_clients(**values: Any) -> list[tuple[int, str, str]]:
    """What is wrong with these settings; each key stands in the line that is the number of its place."""
    report = Report("it.conf")
    check_clients(a_setting(**values), {key: n for n, key in enumerate(values, start=1)}, report)
    assert report.notices == []
    return [(problem.line, problem.key, problem.message) for problem in report.problems]


def of_server(host: str = "db", **values: Any) -> list[str]:
    report = Report("it.conf")
    server = ServerSettings(name="one", host=host, **values)
    check_server(server, {key: n for n, key in enumerate(values, start=1)}, report)
    assert report.notices == []
    return [f"{problem.key}: {problem.message}" for problem in report.problems]


def pair(files: Files, **others: Any) -> dict[str, Any]:
    return {"tls_cert_file": files.ours.cert_file, "tls_key_file": files.ours.key_file, **others}


class TestClients:
    def test_a_certificate_with_its_key_is_enough(self, files: Files) -> None:
        assert of_clients(tls=True, **pair(files)) == []

    def test_the_chain_may_follow_the_certificate(self, files: Files) -> None:
        chain = files.write("chain", files.ours.cert_file.read_bytes() + files.ca.read_bytes())
        assert of_clients(tls=True, **pair(files, tls_cert_file=chain, tls_ca_file=files.ca)) == []

    def test_both_must_be_given(self, files: Files) -> None:
        assert of_clients(tls=True) == [
            (1, "tls_cert_file", "is missing; tls = on needs it"),
            (1, "tls_key_file", "is missing; tls = on needs it"),
        ]
        assert of_clients(tls=True, tls_cert_file=files.ours.cert_file) == [
            (1, "tls_key_file", "is missing; tls = on needs it")
        ]

    def test_without_tls_nothing_is_looked_at_and_that_is_said(self) -> None:
        report = Report("it.conf")
        nowhere = Path("/nowhere")
        settings = a_setting(tls_cert_file=nowhere, tls_key_file=None, tls_ca_file=nowhere, tls_ciphers="nonsense")
        check_clients(settings, {"tls_cert_file": 4, "tls_key_file": 5, "tls_ciphers": 6}, report)
        assert report.problems == []
        assert list(map(str, report.notices)) == [
            "it.conf:4: tls_cert_file: accepted, but has no effect: tls is off",
            "it.conf:6: tls_ciphers: accepted, but has no effect: tls is off",
        ]

    def test_the_key_of_another_certificate_does_not_fit(self, files: Files) -> None:
        [(line, key, message)] = of_clients(tls=True, **pair(files, tls_key_file=files.other.key_file))
        assert (line, key) == (3, "tls_key_file")
        assert message == f"{files.other.key_file} is not the key of the first certificate in {files.ours.cert_file}"

    @pytest.mark.parametrize("key", ["tls_cert_file", "tls_key_file", "tls_ca_file"])
    def test_each_file_must_be_there_and_a_file(self, files: Files, key: str) -> None:
        nowhere = files.directory / "nowhere"
        [(_, found, message)] = of_clients(tls=True, **pair(files, **{key: nowhere}))
        assert (found, message) == (key, f"{nowhere} can't be read: No such file or directory")
        [(_, found, message)] = of_clients(tls=True, **pair(files, **{key: files.directory}))
        assert found == key
        assert message.startswith(f"{files.directory} ")

    @pytest.mark.parametrize("key", ["tls_cert_file", "tls_ca_file"])
    @pytest.mark.parametrize(
        "content", [b"", b"\0\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    def test_a_file_of_certificates_has_certificates(self, files: Files, key: str, content: bytes) -> None:
        path = files.write("bad", content)
        [(_, found, message)] = of_clients(tls=True, **pair(files, **{key: path}))
        assert (found, message) == (key, f"{path} has no certificate; expected one or more, in PEM")

    @pytest.mark.parametrize(
        "content", [b"", b"\0\xff", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
    )
    def test_a_file_of_a_key_has_a_key(self, files: Files, content: bytes) -> None:
        path = files.write("bad.key", content)
        [(_, found, message)] = of_clients(tls=True, **pair(files, tls_key_file=path))
        assert (found, message) == ("tls_key_file", f"{path} has no private key; expected one, in PEM")

    def test_a_key_has_no_passphrase(self, files: Files) -> None:
        """OpenSSL would ask for it on the terminal."""
        locked = files.ours.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"sesame"),
        )
        path = files.write("locked.key", locked)
        [(_, found, message)] = of_clients(tls=True, **pair(files, tls_key_file=path))
        assert (found, message) == ("tls_key_file", f"{path} is encrypted; expected a private key without a passphrase")

    def test_what_only_openssl_refuses_is_said_in_its_words(
        self, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        weak = rsa.generate_private_key(65537, 1024)
        monkeypatch.setattr("tests.certificates.ec.generate_private_key", lambda _: weak)
        issued = Authority(files.directory, "Weak CA").issue("weak")
        [(_, found, message)] = of_clients(tls=True, tls_cert_file=issued.cert_file, tls_key_file=issued.key_file)
        assert found == "tls_cert_file"
        assert message == f"{issued.cert_file} with {issued.key_file} is refused by OpenSSL: ee key too small"

    @pytest.mark.parametrize("ciphers", ["", "HIGH:!aNULL", "ECDHE-RSA-AES256-GCM-SHA384"])
    def test_ciphers_are_those_of_openssl(self, files: Files, ciphers: str) -> None:
        assert of_clients(tls=True, **pair(files, tls_ciphers=ciphers)) == []

    @pytest.mark.parametrize("ciphers", ["nonsense", "TLS_AES_128_GCM_SHA256", "\u00e4", "!ALL"])
    def test_other_ciphers_are_a_problem(self, files: Files, ciphers: str) -> None:
        [(line, key, message)] = of_clients(tls=True, **pair(files, tls_ciphers=ciphers))
        assert (line, key) == (4, "tls_ciphers")
        assert "expected a list such as HIGH:!aNULL" in message


class TestPermissions:
    """As PostgreSQL asks for."""

    def told(self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int, owner: str) -> list[str]:
        path = files.write("private.key", files.ours.key_file.read_bytes(), mode | 0o400)
        genuine = Path.stat
        uid = {"root": 0, "us": 1000, "another": 1001}[owner]

        def stat(self: Path, **how: Any) -> os.stat_result:
            found = genuine(self, **how)
            return os.stat_result([*found[:4], uid, *found[5:]]) if self == path else found

        monkeypatch.setattr(Path, "stat", stat)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        return [message for _, _, message in of_clients(tls=True, **pair(files, tls_key_file=path))]

    @pytest.mark.parametrize("mode", [0o640, 0o600, 0o440, 0o400])
    def test_a_key_of_root_may_be_readable_by_a_group(
        self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int
    ) -> None:
        assert self.told(files, monkeypatch, mode, "root") == []

    @pytest.mark.parametrize("mode", [0o644, 0o660, 0o650, 0o641, 0o777])
    def test_but_no_more_than_that(self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
        [message] = self.told(files, monkeypatch, mode, "root")
        assert f"has group or world access (mode {mode:04o}); expected at most 0640, as it is root's" in message

    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
    def test_a_key_of_our_own_is_ours_alone(self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
        assert self.told(files, monkeypatch, mode, "us") == []

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o777])
    def test_a_key_of_our_own_is_nobody_elses(self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
        [message] = self.told(files, monkeypatch, mode, "us")
        assert f"has group or world access (mode {mode:04o}); expected at most 0600" in message

    @pytest.mark.parametrize("mode", [0o600, 0o400])
    def test_a_key_of_somebody_else_is_known_to_them(
        self, files: Files, monkeypatch: pytest.MonkeyPatch, mode: int
    ) -> None:
        [message] = self.told(files, monkeypatch, mode, "another")
        assert message.endswith("must be owned by the user that agroal runs as, or by root")


class TestServers:
    @pytest.mark.parametrize("tls", TlsMode)
    def test_each_mode_is_possible(self, files: Files, tls: TlsMode) -> None:
        ca = {"tls_ca_file": files.ca} if tls is TlsMode.VERIFY_CA else {}
        assert of_server(tls=tls, **ca) == []

    @pytest.mark.parametrize("tls", [mode for mode in TlsMode if mode is not TlsMode.DISABLE])
    def test_files_are_checked_wherever_tls_is_possible(self, files: Files, tls: TlsMode) -> None:
        assert of_server(tls=tls, **pair(files, tls_ca_file=files.ca)) == []
        nowhere = Path("/nowhere")
        told = of_server(tls=tls, tls_cert_file=nowhere, tls_key_file=nowhere, tls_ca_file=nowhere)
        assert told == [
            f"{key}: /nowhere can't be read: No such file or directory"
            for key in ("tls_cert_file", "tls_key_file", "tls_ca_file")
        ]

    def test_without_tls_they_are_not_looked_at_and_that_is_said(self) -> None:
        report = Report("it.conf")
        server = ServerSettings(name="one", host="db", tls_ca_file=Path("/nowhere"))
        check_server(server, {"tls_ca_file": 4}, report, "server.one.")
        assert report.problems == []
        assert list(map(str, report.notices)) == [
            "it.conf:4: server.one.tls_ca_file: accepted, but has no effect: tls is disable"
        ]

    def test_a_certificate_and_its_key_come_together(self, files: Files) -> None:
        assert of_server(tls=TlsMode.REQUIRE, tls_cert_file=files.ours.cert_file) == [
            "tls_key_file: is missing; tls_cert_file needs it"
        ]
        assert of_server(tls=TlsMode.REQUIRE, tls_key_file=files.ours.key_file) == [
            "tls_cert_file: is missing; tls_key_file needs it"
        ]
        assert of_server(tls=TlsMode.REQUIRE, **pair(files, tls_key_file=files.other.key_file)) == [
            f"tls_key_file: {files.other.key_file} is not the key of the first certificate in {files.ours.cert_file}"
        ]

    def test_who_this_host_trusts_is_not_enough_where_the_name_is_not_checked(self) -> None:
        assert of_server(tls=TlsMode.VERIFY_CA) == [
            "tls_ca_file: is missing; tls = verify-ca needs it (verify-full can do without)"
        ]

    @pytest.mark.parametrize("tls", LENIENT)
    def test_direct_tls_leaves_no_choice(self, tls: TlsMode) -> None:
        assert of_server(tls=tls, tls_direct=True) == [
            f"tls_direct: on needs tls = require or verify-ca or verify-full, not {tls}"
        ]

    @pytest.mark.parametrize("tls", STRICT)
    def test_direct_tls_is_possible_with_tls(self, files: Files, tls: TlsMode) -> None:
        assert of_server(tls=tls, tls_direct=True, tls_ca_file=files.ca) == []

    @pytest.mark.parametrize("tls", STRICT)
    def test_a_unix_socket_is_not_encrypted(self, files: Files, tls: TlsMode) -> None:
        assert of_server("/run/postgresql", tls=tls, tls_ca_file=files.ca) == [
            f"tls: {tls} is not possible over a Unix socket; expected disable, allow or prefer"
        ]

    @pytest.mark.parametrize("tls", LENIENT)
    def test_a_unix_socket_may_be_left_unencrypted(self, tls: TlsMode) -> None:
        assert of_server("/run/postgresql", tls=tls) == []

    def test_a_login_can_not_be_bound_to_what_is_not_encrypted(self) -> None:
        binding = {"channel_binding": ChannelBinding.REQUIRE}
        impossible = ["channel_binding: require needs TLS to the server; expected prefer or disable without it"]
        assert of_server(**binding) == impossible
        assert of_server("/run/postgresql", tls=TlsMode.PREFER, **binding) == impossible
        assert of_server(tls=TlsMode.PREFER, **binding) == []


def of_metrics(files: Files, **values: Any) -> list[str]:
    """What is wrong with these, or has no effect; `pair` gives certificate and key."""
    report = Report("it.conf")
    settings = {"metrics": 2346, **values}
    check_metrics(a_setting(**settings), {key: n for n, key in enumerate(settings, start=1)}, report)
    return [*map(str, report.problems), *map(str, report.notices)]


class TestTheMetricsPort:
    def test_needs_no_tls(self, files: Files) -> None:
        assert of_metrics(files) == []

    def test_has_tls_with_a_certificate_and_its_key(self, files: Files) -> None:
        ours = {"metrics_cert_file": files.ours.cert_file, "metrics_key_file": files.ours.key_file}
        assert of_metrics(files, **ours) == []
        assert of_metrics(files, **ours, metrics_ca_file=files.ca) == []

    def test_needs_both_of_them(self, files: Files) -> None:
        cert, key = files.ours.cert_file, files.ours.key_file
        assert of_metrics(files, metrics_cert_file=cert) == [
            "it.conf: metrics_key_file: is missing; metrics_cert_file needs it"
        ]
        assert of_metrics(files, metrics_key_file=key) == [
            "it.conf: metrics_cert_file: is missing; metrics_key_file needs it"
        ]
        assert of_metrics(files, metrics_ca_file=files.ca) == [
            "it.conf: metrics_cert_file: is missing; metrics_ca_file needs it"
        ]

    def test_says_at_which_key_a_file_is_wrong(self, files: Files) -> None:
        theirs = {"metrics_cert_file": files.ours.cert_file, "metrics_key_file": files.other.key_file}
        [problem] = of_metrics(files, **theirs)
        assert problem.startswith("it.conf:3: metrics_key_file: ")
        assert "is not the key of the first certificate" in problem
        [problem] = of_metrics(files, **{**theirs, "metrics_key_file": files.directory / "nowhere"})
        assert problem.endswith("nowhere can't be read: No such file or directory")
        assert ": metrics_key_file: " in problem

    def test_has_no_use_for_files_when_it_is_off(self, files: Files) -> None:
        nowhere = files.directory / "nowhere"
        assert of_metrics(files, metrics=0, metrics_cert_file=nowhere) == [
            "it.conf:2: metrics_cert_file: accepted, but has no effect: metrics is 0"
        ]
