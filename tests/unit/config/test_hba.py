from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.config.hba import read_hba
from agroal.config.model import ClientCert, HbaLine, HbaType, Method, Name, Scope
from agroal.config.report import Report

ALL = Name("all", keyword=True)


def line(text: str) -> HbaLine:
    report = Report("it.conf")
    [found] = read_hba(text, report, tls=True, certificates=True, maps=("apps", "a b"))
    assert report.problems == []
    assert report.notices == []
    return found


def problems(text: str) -> list[str]:
    report = Report("it.conf")
    read_hba(text, report, tls=True, certificates=True)
    return list(map(str, report.problems))


def test_a_line_has_five_columns() -> None:
    assert line("# top\nHost shop web 10.0.0.0/8 scram-sha-256 # rest") == HbaLine(
        "it.conf", 2, HbaType.HOST, (Name("shop"),), (Name("web"),), IPv4Network("10.0.0.0/8"), Method.SCRAM_SHA_256
    )


def test_a_local_line_has_no_address() -> None:
    assert line("local all all trust") == HbaLine("it.conf", 1, HbaType.LOCAL, (ALL,), (ALL,), None, Method.TRUST)


@pytest.mark.parametrize("type_", ["local", "host", "hostssl", "hostnossl"])
def test_types_are_read_in_any_case(type_: str) -> None:
    address = "" if type_ == "local" else "all"
    assert line(f"{type_} a b {address} reject").type == line(f"{type_.upper()} a b {address} reject").type == type_


@pytest.mark.parametrize("method", ["trust", "reject", "password", "md5", "scram-sha-256", "cert", "all"])
def test_methods(method: str) -> None:
    assert line(f"hostssl all all all {method}").method == Method(method)


@pytest.mark.parametrize(
    ("options", "clientcert", "map_"),
    [
        ("cert", ClientCert.OFF, ""),
        ("cert map=apps", ClientCert.OFF, "apps"),
        ('cert map="a b"', ClientCert.OFF, "a b"),
        ('cert "map=a b"', ClientCert.OFF, "a b"),
        ("cert clientcert=verify-full map=apps", ClientCert.OFF, "apps"),
        ("scram-sha-256 clientcert=verify-ca", ClientCert.VERIFY_CA, ""),
        ("trust clientcert=verify-full # really", ClientCert.VERIFY_FULL, ""),
    ],
)
def test_options(options: str, clientcert: ClientCert, map_: str) -> None:
    found = line(f"hostssl all all all {options}")
    assert (found.clientcert, found.map) == (clientcert, map_)


def test_databases_and_users_are_lists_in_which_quotes_make_names_of_keywords() -> None:
    found = line('host all,"all",sameuser, replication ,"a b" all,sameuser,"all" all trust')
    assert found.databases == (
        ALL,
        Name("all"),
        Name("sameuser", keyword=True),
        Name("replication", keyword=True),
        Name("a b"),
    )
    assert found.users == (ALL, Name("sameuser"), Name("all"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3/32", "10.1.2.3/32"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.1.2.3 255.255.0.0", "10.1.0.0/16"),
        ("10.1.2.3 255.255.255.255", "10.1.2.3/32"),
        ("10.1.2.3 0.0.0.0", "0.0.0.0/0"),
        ("::1/128", "::1/128"),
        ("::0/0", "::/0"),
        ("fd00:1::5/16", "fd00::/16"),
        ("fd00:1::5 ffff::", "fd00::/16"),
        ("::ffff:10.0.0.1/128", "::ffff:10.0.0.1/128"),
    ],
)
def test_an_address_is_a_network_without_its_host_bits(address: str, network: str) -> None:
    assert line(f"host all all {address} trust").address == ip_network(network)


@pytest.mark.parametrize("word", ["all", "samehost", "samenet"])
def test_an_address_may_be_a_word(word: str) -> None:
    assert line(f"host all all {word} trust").address is Scope(word)


EXPECTED = "expected a network such as 10.0.0.0/8 or fd00::/8, or all, samehost, samenet (host names are not supported)"


@pytest.mark.parametrize(
    "address", ["db.example.com", ".example.com", "10.0.0/8", '"all"', "10.0.0.256/8", "fe80::1%eth0/64"]
)
def test_an_address_that_is_no_network_is_a_problem(address: str) -> None:
    assert problems(f"host all all {address} trust") == [
        f"it.conf:1: ADDRESS: {EXPECTED}, not {address.strip(chr(34))!r}"
    ]


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("10.0.0.0", 32),
        ("10.0.0.0/", 32),
        ("10.0.0.0/33", 32),
        ("10.0.0.0/-1", 32),
        ("10.0.0.0/٨", 32),
        ("10.0.0.0/255.0.0.0", 32),
        ("fd00::/129", 128),
        ("10.0.0.0 0.0.0.255", 32),
        ("10.0.0.0 255.0.255.0", 32),
        ("10.0.0.0 ffff::", 32),
    ],
)
def test_a_prefix_length_is_a_number_or_a_mask(address: str, most: int) -> None:
    expected = f"expected a prefix length from 0 to {most} after /, or a mask"
    assert problems(f"host all all {address} trust") == [f"it.conf:1: ADDRESS: {expected}, not {address.split()[0]!r}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tcp all all all trust", "TYPE: expected one of local, host, hostssl, hostnossl, not 'tcp'"),
        ("host,local all all all trust", "TYPE: has a list; expected one word"),
        ("host", "has 1 columns; expected TYPE DATABASE USER ADDRESS METHOD"),
        ("host all all trust", "has 4 columns; expected TYPE DATABASE USER ADDRESS METHOD"),
        ("local all trust", "has 3 columns; expected TYPE DATABASE USER METHOD"),
        ("host all all ::1/128,::2/128 trust", "ADDRESS: has a list; expected one word"),
        ("host all all all trust,md5", "METHOD: has a list; expected one word"),
        (
            "host all all all gss",
            "METHOD: expected one of trust, reject, password, md5, scram-sha-256, cert, all, not 'gss'",
        ),
        (
            "host all all 10.0.0.0 255.0.0.0",
            "METHOD: is missing; expected one of trust, reject, password, md5, scram-sha-256, cert, all",
        ),
        ("host all all all cert", "METHOD: cert is only for hostssl: without TLS there is no certificate"),
        ("local all all cert", "METHOD: cert is only for hostssl: without TLS there is no certificate"),
        ("hostnossl all all all cert", "METHOD: cert is only for hostssl: without TLS there is no certificate"),
        ("hostssl all all all md5 map=x", "METHOD: map is only for the method cert"),
        ("hostssl all all all cert map=x map=y", "METHOD: map is given twice"),
        ("hostssl all all all cert map=", "METHOD: is followed by 'map='; expected options such as map=NAME"),
        ("hostssl all all all cert map=a,b", "METHOD: is followed by 'map=a'; expected options such as map=NAME"),
        ("local all all all trust", "METHOD: is followed by 'trust'; expected options such as map=NAME"),
        (
            "host all all all md5 radiusport=1",
            "METHOD: is followed by 'radiusport=1'; expected no options but map=NAME and clientcert=…",
        ),
        (
            "host all all all md5 clientcert=verify-ca",
            "METHOD: clientcert is only for hostssl: without TLS there is no certificate",
        ),
        (
            "hostssl all all all md5 clientcert=1",
            "METHOD: clientcert: expected verify-ca or verify-full, not '1'",
        ),
        (
            "hostssl all all all cert clientcert=verify-ca",
            "METHOD: clientcert: expected verify-full, not 'verify-ca'",
        ),
        ("host all +admins all reject", "USER: a role's members (+) is not supported: '+admins'; expected names"),
        ("host /^a all all reject", "DATABASE: a regular expression (/) is not supported: '/^a'; expected names"),
        ("host @list all all reject", "DATABASE: a file of names (@) is not supported: '@list'; expected names"),
        (
            "host samerole all all reject",
            "DATABASE: samerole is not supported; expected names or one of all, sameuser, replication",
        ),
        ('host "open all all trust', "a double quote is opened and not closed"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, message: str) -> None:
    assert problems(text) == [f"it.conf:1: {message}"]


def test_in_quotes_the_marks_of_postgresql_are_part_of_a_name() -> None:
    assert line('host "/a" "+b","@c" all trust').users == (Name("+b"), Name("@c"))


def test_a_line_says_all_that_is_wrong_with_it_and_does_not_hide_the_next() -> None:
    assert len(problems("host /a +b nowhere gss\nhost all all all trust\nwhat")) == 5


@pytest.mark.parametrize("method", ["cert", "cert map=m", "scram-sha-256 clientcert=verify-ca"])
@pytest.mark.parametrize(
    ("tls", "certificates", "missing"),
    [(False, False, "tls = on"), (False, True, "tls = on"), (True, False, "tls_ca_file")],
)
def test_certificates_need_tls_and_an_authority(
    method: str, tls: bool, certificates: bool, missing: str, report: Report
) -> None:
    read_hba(f"hostssl all all all {method}", report, tls=tls, certificates=certificates, maps=("m",))
    assert [problem.message for problem in report.problems] == [
        f"{method.split()[-1 if 'clientcert' in method else 0]} needs {missing} in the main section"
    ]
    assert report.notices == []


def test_a_map_that_is_not_there_is_a_notice(report: Report) -> None:
    assert len(read_hba("hostssl all all all cert map=m", report, tls=True, certificates=True, maps=["n"])) == 1
    assert [notice.message for notice in report.notices] == ["map 'm' is not in the ident file: nobody can come in"]


def test_hostssl_without_tls_is_a_notice(report: Report) -> None:
    assert len(read_hba("hostssl all all all md5", report, tls=False)) == 1
    assert list(map(str, report.notices)) == ["it.conf:1: TYPE: hostssl never matches while tls is off"]


@pytest.mark.parametrize("text", ["", "# only comments\n"])
def test_a_file_without_lines_is_a_notice(text: str, report: Report) -> None:
    assert read_hba(text, report, tls=False) == ()
    assert list(map(str, report.notices)) == ["it.conf: has no lines: nobody can come in"]


@given(st.ip_addresses(), st.integers(0, 128))
def test_both_ways_to_write_a_mask_are_the_same_network(address: object, bits: int) -> None:
    version = 4 if "." in str(address) and ":" not in str(address) else 6
    network = (IPv4Network if version == 4 else IPv6Network)(
        (str(address), min(bits, 32 if version == 4 else 128)), strict=False
    )
    assert line(f"host all all {address}/{network.prefixlen} trust").address == network
    assert line(f"host all all {address} {network.netmask} trust").address == network


@given(
    st.lists(
        st.sampled_from(
            [
                "host",
                "hostssl",
                "local",
                "all",
                ",",
                '"',
                "10.0.0.0",
                "/8",
                "255.0.0.0",
                "trust",
                "cert",
                "\n",
                " ",
                "#",
                "x=1",
                "map=",
                "clientcert=",
                "verify-ca",
            ]
        )
        | st.text(max_size=3)
    )
)
def test_any_text_is_read_or_complained_about(pieces: list[str]) -> None:
    report = Report("it.conf")
    for found in read_hba(" ".join(pieces), report, tls=True, certificates=True):
        assert found.databases
        assert found.users
        assert (found.address is None) == (found.type is HbaType.LOCAL)
