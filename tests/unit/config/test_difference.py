from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config import difference as module
from agroal.config.difference import differences
from agroal.config.model import ClientCert, Configuration, IdentLine, LimitLine, Method, Name
from tests.unit.config.configurations import FILES, a_configuration, a_limit, a_server, an_hba_line


def found(old: Configuration, new: Configuration) -> list[tuple[str, str, str]]:
    return [tuple(difference) for difference in differences(old, new)]


def of_hba(before: str, after: str) -> tuple[str, str]:
    """The texts for hba files with a line for each of these users."""
    files = (tuple(an_hba_line(n, user) for n, user in enumerate(users, start=1)) for users in (before, after))
    old, new = (a_configuration(hba=lines) for lines in files)
    [(key, was, now)] = found(old, new)
    assert key == "agroal_hba.conf"
    return was, now


def of_limits(old: list[LimitLine], new: list[LimitLine]) -> list[tuple[str, str, str]]:
    return found(a_configuration(limits=tuple(old)), a_configuration(limits=tuple(new)))


def test_values_are_spelled_as_in_a_file_each_in_its_largest_unit() -> None:
    old = a_configuration(idle_timeout=120.0, log_rotation_size=0, tls_key_file=None)
    new = a_configuration(idle_timeout=90.0, log_rotation_size=1 << 20, tls_key_file=Path("/k"))
    assert found(old, new) == [
        ("log_rotation_size", "0", "1M"),
        ("tls_key_file", "", "/k"),
        ("idle_timeout", "2m", "90s"),
    ]


def test_a_secret_that_changes_is_masked_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tuple(replace(key, secret=key.name == "health_check_user") for key in module.KEYS)
    monkeypatch.setattr(module, "KEYS", keys)
    old, new = a_configuration(health_check_user="sesame"), a_configuration(health_check_user="tahini")
    assert found(old, new) == [("health_check_user", "********", "********")]
    assert found(a_configuration(), new) == [("health_check_user", "", "********")]


def test_keys_of_servers_are_called_by_the_server() -> None:
    old = a_configuration(a_server("a"), a_server("my.b", "x"))
    new = a_configuration(a_server("a"), a_server("my.b", "y", port=1))
    assert found(old, new) == [("server.my.b.host", "x", "y"), ("server.my.b.port", "5432", "1")]


class TestHba:
    def test_lines_that_only_one_file_has_are_named(self) -> None:
        assert of_hba("xy", "yz") == ("2 lines: host all x 10.0.0.0/8 md5", "2 lines: host all z 10.0.0.0/8 md5")

    def test_one_line_is_no_lines(self) -> None:
        assert of_hba("", "x") == ("0 lines", "1 line: host all x 10.0.0.0/8 md5")

    def test_many_are_counted(self) -> None:
        assert of_hba("x", "xabcd") == (
            "1 line",
            "5 lines: host all a 10.0.0.0/8 md5; host all b 10.0.0.0/8 md5; 2 more",
        )

    def test_the_order_counts(self) -> None:
        assert of_hba("xy", "yx") == ("2 lines", "2 lines, in another order")

    def test_a_line_that_is_there_once_more_is_named(self) -> None:
        assert of_hba("x", "xx") == ("1 line", "2 lines: host all x 10.0.0.0/8 md5")

    def test_a_method_is_part_of_the_line(self) -> None:
        old = a_configuration(hba=(an_hba_line(1, "x"),))
        new = a_configuration(hba=(an_hba_line(1, "x", Method.TRUST),))
        assert found(old, new) == [
            ("agroal_hba.conf", "1 line: host all x 10.0.0.0/8 md5", "1 line: host all x 10.0.0.0/8 trust")
        ]

    def test_options_are_part_of_the_line(self) -> None:
        old = an_hba_line(1, "x", Method.CERT)
        for option, text in (
            ({"map": "a b"}, 'map="a b"'),
            ({"clientcert": ClientCert.VERIFY_CA}, "clientcert=verify-ca"),
        ):
            [(_, was, now)] = found(a_configuration(hba=(old,)), a_configuration(hba=(replace(old, **option),)))
            assert (was, now) == ("1 line: host all x 10.0.0.0/8 cert", f"1 line: host all x 10.0.0.0/8 cert {text}")

    def test_where_a_line_stands_does_not_count(self) -> None:
        old, new = a_configuration(hba=(an_hba_line(1, "x"),)), a_configuration(hba=(an_hba_line(7, "x"),))
        assert found(old, new) == []


class TestIdent:
    FILES = replace(FILES, ident=Path("/c/agroal_ident.conf"))

    def of(self, *lines: IdentLine) -> Configuration:
        return replace(a_configuration(), ident=lines, files=self.FILES if lines else FILES)

    def test_lines_that_only_one_file_has_are_named(self) -> None:
        first = IdentLine("", 1, "m", re.compile("^(.*)@shop$"), Name(r"\1"))
        second = IdentLine("", 2, "m", "all", Name("all", keyword=True))
        third = IdentLine("", 2, "a b", "all", Name("all"))
        assert found(self.of(first), self.of(first, second)) == [("agroal_ident.conf", "1 line", "2 lines: m all all")]
        assert found(self.of(third), self.of()) == [("agroal_ident.conf", '1 line: "a b" all "all"', "0 lines")]
        assert found(self.of(), self.of(first)) == [("agroal_ident.conf", "0 lines", r'1 line: m "/^(.*)@shop$" \1')]
        assert found(self.of(second, first), self.of(replace(first, line=9), second)) == [
            ("agroal_ident.conf", "2 lines", "2 lines, in another order")
        ]
        assert found(self.of(first), self.of(replace(first, line=9))) == []


class TestLimits:
    def test_each_pair_is_a_difference_with_its_sizes(self) -> None:
        old = [a_limit(1, "shop", "web", 10, 2, 1), a_limit(2, "all", "batch", 5), a_limit(3, "old", "x", 1)]
        new = [a_limit(1, "shop", "web", 20, 2, 1), a_limit(2, "all", "batch", 5), a_limit(3, "a b", "all", 3)]
        assert of_limits(old, new) == [
            ("agroal_databases.conf: shop/web", "10 2 1", "20 2 1"),
            ("agroal_databases.conf: old/x", "1 0 0", ""),
            ('agroal_databases.conf: "a b"/all', "", "3 0 0"),
        ]

    def test_where_a_line_stands_does_not_count_nor_does_their_order(self) -> None:
        assert (
            of_limits(
                [a_limit(1, "a", "x", 1), a_limit(2, "b", "x", 2)], [a_limit(4, "b", "x", 2), a_limit(5, "a", "x", 1)]
            )
            == []
        )

    def test_of_two_lines_for_the_same_pair_the_first_counts(self) -> None:
        first = a_limit(1, "a", "x", 1)
        assert of_limits([first, a_limit(2, "a", "x", 2)], [first, a_limit(2, "a", "x", 3)]) == []
        assert of_limits([first], [a_limit(1, "a", "x", 4), first]) == [
            ("agroal_databases.conf: a/x", "1 0 0", "4 0 0")
        ]

    def test_aliases_are_those_of_all_lines_of_a_database(self) -> None:
        old = [a_limit(1, "shop", "web", 1, aliases=["b", "a"]), a_limit(2, "shop", "x", 1, aliases=["my c"])]
        moved = [a_limit(1, "shop", "web", 1), a_limit(2, "shop", "x", 1, aliases=["my c", "b", "a"])]
        assert of_limits(old, moved) == []
        fewer = [a_limit(1, "shop", "web", 1, aliases=["a"]), a_limit(2, "shop", "x", 1)]
        assert of_limits(old, fewer) == [("agroal_databases.conf: aliases of shop", 'a,b,"my c"', "a")]

    def test_a_file_that_is_gone_takes_all_its_lines_along(self) -> None:
        assert of_limits([a_limit(1, "shop", "web", 1, aliases=["a"])], []) == [
            ("agroal_databases.conf: shop/web", "1 0 0", ""),
            ("agroal_databases.conf: aliases of shop", "a", ""),
        ]
