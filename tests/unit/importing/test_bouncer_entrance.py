from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.unit.importing.bringing import Bringer, Brought

SHOP = "shop = host=h"
PEOPLE = '"ann" "pencil"\n'


@pytest.mark.parametrize(
    ("auth_type", "method"),
    [
        ("trust", "trust"),
        ("plain", "password"),
        ("md5", "md5"),
        ("scram-sha-256", "scram-sha-256"),
        ("SCRAM-SHA-256", "scram-sha-256"),
    ],
)
def test_the_method_is_that_of_auth_type(bring: Bringer, auth_type: str, method: str) -> None:
    brought = bring.bouncer(SHOP, f"auth_type = {auth_type}")
    assert brought.hba == [f"local shop all {method}", f"host shop all all {method}"]
    assert not brought.configuration.settings.allow_unknown_users


def test_databases_that_pgbouncer_does_not_have_are_in_no_line(bring: Bringer) -> None:
    brought = bring.bouncer('shop = host=h\n"a b" = host=h dbname=c')
    assert brought.hba[0] == 'local shop,"a b" all md5'


def test_with_a_line_for_every_database_all_are_open(bring: Bringer) -> None:
    assert bring.bouncer("* = host=h\nshop = host=h").hba == ["local all all md5", "host all all all md5"]


@pytest.mark.parametrize(("auth_type", "method"), [("any", "trust"), ("pam", "all"), ("ldap", "all")])
def test_what_agroal_does_not_have_is_told(bring: Bringer, auth_type: str, method: str) -> None:
    brought = bring.bouncer(SHOP, f"auth_type = {auth_type}")
    assert brought.hba == [f"local shop all {method}", f"host shop all all {method}"]
    assert brought.configuration.settings.allow_unknown_users
    assert brought.human(f"auth_type = {auth_type}", "agroal")


def test_an_unknown_method_is_scram(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "auth_type = kerberos")
    assert brought.hba[0] == "local shop all scram-sha-256"
    assert brought.human("kerberos", "scram-sha-256 is used")


def test_without_an_address_to_listen_on_nobody_comes_in_over_tcp(bring: Bringer) -> None:
    assert bring.bouncer(SHOP, "listen_addr =").hba == ["local shop all md5"]


def test_certificates_need_an_authority(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "auth_type = cert")
    assert brought.hba == ["local shop all reject", "host shop all all reject"]
    assert brought.human("cert needs")


def test_certificates(bring: Bringer, tmp_path: Path) -> None:
    brought = bring.bouncer(SHOP, f"auth_type = cert\n{tls(tmp_path)}")
    assert brought.hba == ["hostssl shop all all cert"]


def test_admins_may_come_in_to_the_console(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "admin_users = ann", people=PEOPLE)
    assert brought.hba[:2] == ["local admin ann scram-sha-256", "host admin ann all scram-sha-256"]


def test_admins_come_in_where_anybody_does(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "admin_users = ann\nlisten_addr =", people=PEOPLE)
    assert brought.hba == ["local admin ann scram-sha-256", "local shop all md5"]


def test_who_is_trusted_without_a_password_comes_in_and_nobody_else(bring: Bringer) -> None:
    brought = bring.bouncer(SHOP, "auth_type = trust", people='"ann" "pencil"\n"bob" ""\n')
    assert brought.hba == ["local shop ann,bob trust", "host shop ann,bob all trust"]
    assert brought.configuration.settings.allow_unknown_users, "bob can't be in the vault"
    assert brought.limits == ["shop ann 20", "shop bob 20"]
    assert brought.human("bob", "comes in by trust")


class TestFile:
    def bring_hba(self, bring: Bringer, hba: str, main: str = "", databases: str = SHOP, **files: str) -> Brought:
        return bring.bouncer(
            databases, f"auth_type = hba\nauth_hba_file = {bring.folder}/x.hba\n{main}", x_hba=hba, **files
        )

    def test_its_lines_are_taken_over_in_their_order(self, bring: Bringer) -> None:
        hba = "# who\nlocal all ann trust\nhost shop,blog all 10.0.0.0 255.0.0.0 md5\nhost all all ::/0 reject\n"
        brought = self.bring_hba(bring, hba, databases="* = host=h")
        assert brought.hba == ["local all ann trust", "host shop,blog all 10.0.0.0/8 md5", "host all all ::/0 reject"]

    def test_all_databases_are_those_that_pgbouncer_has(self, bring: Bringer) -> None:
        hba = "host all all 10.0.0.0/8 md5\nhost other all 10.0.0.0/8 trust\nhost sameuser all 10.0.0.0/8 md5\n"
        brought = self.bring_hba(bring, hba, databases="shop = host=h\nblog = host=h")
        assert brought.hba == ["host shop,blog all 10.0.0.0/8 md5", "host sameuser all 10.0.0.0/8 md5"]

    @pytest.mark.parametrize(
        ("line", "became"),
        [
            ("host all all 10.0.0.0/8 ldap ldapserver=x", "host shop all 10.0.0.0/8 reject"),
            ("host all all 10.0.0.0 255.0.0.0 pam", "host shop all 10.0.0.0/8 reject"),
            ("local all all peer map=x", "local shop all reject"),
            ("hostssl all all all cert", "hostssl shop all all reject"),
        ],
    )
    def test_a_method_that_agroal_does_not_have_keeps_out(self, bring: Bringer, line: str, became: str) -> None:
        brought = self.bring_hba(bring, f"{line}\nhost all all all md5\n")
        assert brought.hba == [became, "host shop all all md5"]
        assert brought.human(line, "became reject")

    @pytest.mark.parametrize(
        "line", ["host all all db.example.com md5", "host all", "frob all all all md5", 'host "all']
    )
    def test_a_line_that_pgbouncer_ignores_is_left_out_and_told(self, bring: Bringer, line: str) -> None:
        brought = self.bring_hba(bring, f"{line}\nhost all all all md5\n")
        assert brought.hba == ["host shop all all md5"]
        assert brought.human(line)

    def test_a_file_that_is_not_there_lets_nobody_in(self, bring: Bringer) -> None:
        brought = bring.bouncer(SHOP, "auth_type = hba\nauth_hba_file = missing.hba")
        assert brought.hba == []
        assert brought.human("missing.hba", "Nobody can come in")

    def test_where_tls_is_required_lines_are_for_it(self, bring: Bringer, tmp_path: Path) -> None:
        main = tls(tmp_path)
        brought = self.bring_hba(bring, "host all all all md5\nhostssl all all all cert map=m\n", main=main)
        assert brought.hba[0] == "hostssl shop all all md5"

    def test_the_ident_file_goes_along(self, bring: Bringer, tmp_path: Path) -> None:
        ident = "m CN1 ann\nm broken\n"
        main = f"auth_ident_file = x.ident\n{tls(tmp_path)}"
        brought = self.bring_hba(bring, "hostssl all all all cert map=m\n", main=main, x_ident=ident)
        assert brought.hba == ["hostssl shop all all cert map=m"]
        assert [line.map for line in brought.configuration.ident] == ["m"]
        assert brought.human("auth_ident_file", "left out")


def tls(folder: Path) -> str:
    authority = Authority(folder)
    identity = authority.issue("localhost")
    return (
        f"client_tls_sslmode = verify-full\nclient_tls_cert_file = {identity.cert_file}\n"
        f"client_tls_key_file = {identity.key_file}\nclient_tls_ca_file = {authority.ca_file}\n"
    )
