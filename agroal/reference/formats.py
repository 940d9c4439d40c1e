"""The files in columns: what stands where, with an example of each that the tests read."""

from __future__ import annotations

from agroal.auth.ident import MAX_NAME as MAX_CERTIFIED
from agroal.auth.vault import MAX_NAME, MAX_SECRET
from agroal.config.limits import MOST_ALIASES
from agroal.config.model import HbaType, Method, Scope
from agroal.reference.page import Blocks, Code, Heading, Table, Text, literal

WORDS = (
    "Columns are separated by white space. A word in double quotes is a name, whatever else it might mean; two of "
    "them inside stand for one. `#` begins a comment."
)

HBA_EXAMPLE = """\
# TYPE  DATABASE    USER     ADDRESS       METHOD
local   all         all                    all
host    all         all      127.0.0.1/32  all
host    all         batch    all           reject
host    shop,stock  all      10.0.0.0/8    scram-sha-256
"""

TYPES = {
    HbaType.LOCAL: "The Unix socket. Such a line has no ADDRESS.",
    HbaType.HOST: "TCP, with TLS or without.",
    HbaType.HOSTSSL: "TCP with TLS.",
    HbaType.HOSTNOSSL: "TCP without TLS.",
}

SCOPES = {
    Scope.ALL: "Any address.",
    Scope.SAMEHOST: "An address of this host.",
    Scope.SAMENET: "An address in a network of this host.",
}

METHODS = {
    Method.TRUST: "Without a password.",
    Method.REJECT: "Not at all.",
    Method.PASSWORD: "By the password in the users file, sent in clear text.",
    Method.MD5: "By the password in the users file, with MD5; by SCRAM where the file has a SCRAM verifier.",
    Method.SCRAM_SHA_256: "By the password in the users file, with SCRAM-SHA-256.",
    Method.CERT: "By the common name in a TLS certificate; only in a `hostssl` line. It is the user's name, unless the "
    "option `map` says otherwise.",
    Method.ALL: "Users of the users file by SCRAM-SHA-256, anyone else by what PostgreSQL asks for.",
}

HBA: Blocks = (
    Text(
        "Who may come in, from where, and how they prove who they are, as in PostgreSQL. The first line that matches a "
        f"client decides; when none does, the client is refused. {WORDS}"
    ),
    Code(HBA_EXAMPLE),
    Table(
        ("column", "holds"),
        (
            ("`TYPE`", "How the client is connected: see below."),
            (
                "`DATABASE`",
                "Names, separated by commas, or `all`, `sameuser` (the database has the user's name), or "
                "`replication`, which matches nothing: agroal has no such connections. A name also stands for its "
                "aliases.",
            ),
            ("`USER`", "Names, separated by commas, or `all`."),
            ("`ADDRESS`", "`10.0.0.0/8`, `fd00::/8`, `10.0.0.0 255.0.0.0`, or a word: see below."),
            ("`METHOD`", "How the client proves who it is: see below."),
        ),
    ),
    Heading("TYPE", 2),
    Table(("word", "matches"), tuple((literal(type_), text) for type_, text in TYPES.items())),
    Heading("ADDRESS", 2),
    Table(("word", "matches"), tuple((literal(scope), text) for scope, text in SCOPES.items())),
    Heading("METHOD", 2),
    Table(("word", "lets a client in"), tuple((literal(method), text) for method, text in METHODS.items())),
    Heading("OPTIONS", 2),
    Text("Behind the method, each as `name=value`. They need `tls_ca_file` in the main section."),
    Table(
        ("option", "means"),
        (
            ("`map=NAME`", "With `cert`: the lines of `agroal_ident.conf` with this name say who may be which user."),
            ("`clientcert=verify-ca`", "With another method, in a `hostssl` line: a certificate is needed as well."),
            ("`clientcert=verify-full`", "And its common name must be the user's name."),
        ),
    ),
    Heading("Not supported", 2),
    Text(
        "What PostgreSQL knows and agroal does not (members of a role with `+`, regular expressions with `/`, files "
        "with `@`, host names, other options) is an error, not a name that never matches."
    ),
)

IDENT_EXAMPLE = r"""# MAPNAME  SYSTEM-USERNAME           DATABASE-USERNAME
apps       web-server-1              web
apps       /^(.*)\.apps\.example$    \1
"""

IDENT: Blocks = (
    Text(
        "Who may be which user, by the common name in their certificate, for lines of `agroal_hba.conf` with `cert "
        f"map=NAME`, as in PostgreSQL's `pg_ident.conf`. {WORDS}"
    ),
    Code(IDENT_EXAMPLE),
    Table(
        ("column", "holds"),
        (
            ("`MAPNAME`", "Any name. A map may have many lines; one that fits is enough."),
            ("`SYSTEM-USERNAME`", "The common name, or a regular expression with `/` before it."),
            (
                "`DATABASE-USERNAME`",
                "The user, or `all`, or a regular expression with `/` before it. In a name `\\1` is what the first "
                "group of the common name's expression has matched.",
            ),
        ),
    ),
    Text(
        "The expressions are Python's, and match any part of a name: `^` and `$` tie them to the whole. With commas, "
        "blanks or `#` in them they stand in double quotes. What PostgreSQL would understand in another way (classes "
        "such as `[[:alpha:]]`) is an error. Names of more than "
        f"{MAX_CERTIFIED} characters match nothing."
    ),
)

DATABASES_EXAMPLE = """\
# DATABASE          USER    MAX_SIZE  INITIAL_SIZE  MIN_SIZE
shop=store,webshop  web     30        10            5
shop                report  5
shop                jobs    5   pipeline=transaction
all                 batch   10
all                 all     all
"""

DATABASES: Blocks = (
    Text(
        "How many connections to PostgreSQL a database and a user may have, and other names of databases. Connections "
        f"that are being opened count. {WORDS}"
    ),
    Code(DATABASES_EXAMPLE),
    Table(
        ("column", "holds"),
        (
            (
                "`DATABASE`",
                f"A name, or `all`. After `=` there may be up to {MOST_ALIASES} other names that clients can use.",
            ),
            ("`USER`", "A name, or `all`."),
            (
                "`MAX_SIZE`",
                "Most connections of this line, at least 1; `all` is what the lines before it leave of "
                "`max_connections`. All lines together must not exceed `max_connections`.",
            ),
            ("`INITIAL_SIZE`", "How many are opened at the start; 0 when left out."),
            ("`MIN_SIZE`", "How many are kept when others are closed for being idle or old; 0 when left out."),
            (
                "`pipeline=`",
                "Behind them: `transaction`, `session` or `performance` for these clients. See `pipeline`.",
            ),
        ),
    ),
    Text(
        "`INITIAL_SIZE` and `MIN_SIZE` need a user of the users file, whose password logs in to PostgreSQL. With `all` "
        "for the database they are ignored."
    ),
    Text(
        "For a client the best line counts: its database and its user; else its user with database `all`; else its "
        "database with user `all`; else `all all`. Of equals the first. Without a line, only `max_connections` limits "
        "it."
    ),
)

USERS_EXAMPLE = """\
agroal-admin master-key
agroal-admin -f agroal_users.conf -U web user add
agroal-admin -f agroal_users.conf user ls
"""

USERS: Blocks = (
    Text(
        "The vault: with the passwords in it clients log in to agroal, and agroal logs in to PostgreSQL. A line is a "
        "name, a colon, and the secret, encrypted with the master key. `agroal-admin` writes it; its owner alone may "
        f"read it. A name has at most {MAX_NAME} bytes, a secret {MAX_SECRET}."
    ),
    Code(USERS_EXAMPLE),
)
