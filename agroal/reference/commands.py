"""The programs for those who type: options, verbs, exit statuses."""

from __future__ import annotations

from agroal.admin import PASSWORD_VARIABLE
from agroal.auth.vault import master_key_path
from agroal.config.load import DIRECTORY_VARIABLE, ROLES, locate
from agroal.management.verb import Argument, Kind, Verb
from agroal.management.verbs import VERBS
from agroal.reference import doctor
from agroal.reference.page import Block, Blocks, Code, Heading, Table, Text, deeper, doc, literal, literals, sentence
from agroal.reference.programs import COMMON_STATUS, TOP_STATUS, Option, Program, programs


def page() -> Blocks:
    """All programs, for docs/commands.md."""
    blocks: list[Block] = [
        Text("The programs of agroal and what can be typed after them. The same is in their manual pages."),
    ]
    for program in programs():
        blocks += [Heading(program.name), *deeper(body(program))]
        if program.name == "agroal-top":
            blocks += deeper(exit_status(program))
    return (*blocks, *exit_status())


def manual(program: Program) -> Blocks:
    """One program, for its manual page."""
    return (*body(program), *exit_status(program))


def body(program: Program) -> Blocks:
    synopsis = f"{program.name} [OPTION]..."
    match program.name:
        case "agroal":
            synopsis = f"{synopsis}\n{program.name} doctor [OPTION]..."
            blocks = (*DAEMON, *_options(program), *_files(), *SIGNALS)
            return (Heading("Synopsis"), Code(synopsis), *blocks, Heading("Doctor"), *doctor.INTRODUCTION)
        case "agroal-cli":
            return (
                Heading("Synopsis"),
                Code(f"{synopsis} VERB..."),
                *CLI,
                *REMOTE,
                *_options(program),
                *_verbs(),
                *CLI_EXAMPLES,
            )
        case "agroal-top":
            synopsis = f"{synopsis} [agroal://USER@HOST:PORT]"
            return (Heading("Synopsis"), Code(synopsis), *TOP, *REMOTE, *_options(program), *TOP_EXAMPLES)
        case _:
            commands = _commands(program)
            return (Heading("Synopsis"), Code(f"{synopsis} COMMAND"), *ADMIN, *_options(program), *commands, *SECRETS)


def exit_status(program: Program | None = None) -> Blocks:
    """Of a program, or of all that have nothing of their own."""
    known = TOP_STATUS if program is not None and program.name == "agroal-top" else COMMON_STATUS
    rows = tuple((literal(str(number)), text) for number, text in known.items())
    return (Heading("Exit status"), Table(("status", "means"), rows))


DAEMON: Blocks = (
    Heading("Description"),
    Text(
        "A connection pool for PostgreSQL. Clients connect to it as if it were the database. It keeps a bounded number "
        "of connections to PostgreSQL, hands each one to one client at a time, and passes it on only when it is clean."
    ),
    Text(
        "`agroal --check` reads all files, says everything that is wrong with them, prints what is in force and from "
        "which line, and starts nothing."
    ),
)

SIGNALS: Blocks = (
    Heading("Signals"),
    Table(
        ("signal", "does"),
        (
            ("`SIGTERM`, `SIGINT`", "The first: takes no new clients, and stops when the last one has gone."),
            ("a second one", "Cuts off the clients and stops now."),
            ("`SIGHUP`", "Reads the files again and applies what needs no restart; the log says what came of it."),
        ),
    ),
)

CLI: Blocks = (
    Heading("Description"),
    Text(
        "Asks a running agroal one thing, and shows the answer to people or, with `-F json`, to programs. It finds "
        "agroal by the Unix socket that `agroal.conf` leads to; `--socket` names the socket, and no file is read."
    ),
    Text("What changes something can be tried in a dry run. `ping` fails when a server does not answer, too."),
)

REMOTE: Blocks = (
    Text(
        "An agroal in the network is asked at its port of remote management (`management` in `agroal.conf`), by one of "
        "the users of its `agroal_admins.conf`. The password is in `AGROAL_PASSWORD`, in `~/.agroalpass` (lines "
        "`host:port:user:password`; `AGROAL_PASSFILE` names another file), or it is asked for."
    ),
)

CLI_EXAMPLES: Blocks = (
    Heading("Examples"),
    Code(
        "agroal-cli -D /etc/agroal ping\nagroal-cli -F json status details\nagroal-cli -T 30s shutdown gracefully\n"
        "agroal-cli -h pool.example.org -p 2346 -U ops --ca ca.crt status"
    ),
)

TOP: Blocks = (
    Heading("Description"),
    Text(
        "What a running agroal does, on the whole screen of a terminal: pools, slots, clients, servers, why someone "
        "waits, and the verbs to act on it. `?` lists the keys. With `--once`, `--watch`, `--svg` or `--headless` it "
        "needs no terminal."
    ),
    Text(
        "It finds agroal by the Unix socket that `agroal.conf` leads to; `--socket` names the socket, and no file is "
        "read. Wishes and profiles stand in `agroal/top.toml` below `XDG_CONFIG_HOME`, which is `~/.config` when it "
        "is not set."
    ),
)

TOP_EXAMPLES: Blocks = (
    Heading("Examples"),
    Code(
        "agroal-top -D /etc/agroal\nagroal-top --once -f json | jq '.now[0].qps'\n"
        "agroal-top -D /etc/agroal --record today.agrec --headless\nagroal-top --replay today.agrec\n"
        "agroal-top 'agroal://eye@pool.example.org:2346?tls-mode=verify-full'"
    ),
)

ADMIN: Blocks = (
    Heading("Description"),
    Text(
        "Keeps the vault: the file with the users and their passwords, encrypted with the master key. It works on the "
        "file and asks no running agroal."
    ),
    Text(
        "`import` makes agroal's files of those of PgBouncer or pgagroal, in the directory of `-o`. A report says what "
        "became of each key, and what needs somebody to look at it; it is `import-report.md` beside the files, too."
    ),
)

SECRETS: Blocks = (
    Heading("Secrets"),
    Text(
        "A password comes from `-g`, which generates one (and prints it, unless it is the master key), from `-P`, "
        f"which others can see in the list of processes, from the variable `{PASSWORD_VARIABLE}`, or from a prompt; "
        "the first of these counts."
    ),
    Text(doc(master_key_path)),
)


def _options(program: Program) -> Blocks:
    rows = tuple((_spelled(option), sentence(option.doc)) for option in program.options)
    return (Heading("Options"), Table(("option", "means"), rows))


def _spelled(option: Option) -> str:
    *others, last = option.spellings
    return literals((*others, f"{last} {option.value}".rstrip()))


def _files() -> Blocks:
    rows = tuple((literal(role.filename("agroal")), sentence(role.doc), literals((role.flag,))) for role in ROLES)
    return (
        Heading("Files"),
        Text(f"{doc(locate)} `{DIRECTORY_VARIABLE}` is a variable of the environment."),
        Table(("file", "holds", "its flag"), rows),
    )


def _verbs() -> Blocks:
    rows = tuple(
        (_usage(verb), _says(verb), literals(verb.aliases), verb.role.value, "no" if verb.read_only else "yes")
        for verb in VERBS
        if not verb.lasting
    )
    return (
        Heading("Verbs"),
        Text(
            "The words are those of pgagroal 2, where it has them; those of 0.6 and short forms are understood as "
            "well. Whoever may open the Unix socket has the role admin, which may do everything."
        ),
        Table(("verb", "does", "also spelled", "role", "changes something"), rows),
    )


def _usage(verb: Verb) -> str:
    arguments = [_argument(a) if a.required else f"[{_argument(a)}]" for a in verb.arguments]
    return literal(" ".join([verb.name, *arguments]))


def _argument(argument: Argument) -> str:
    return "-T DURATION" if argument.kind is Kind.SECONDS else argument.name.upper()


def _says(verb: Verb) -> str:
    return " ".join([sentence(verb.doc), *map(_takes, verb.arguments)])


def _takes(argument: Argument) -> str:
    choices = f" ({', '.join(argument.choices)})" if argument.choices else ""
    return f"{literal(_argument(argument))}: {sentence(argument.doc + choices)}"


def _commands(program: Program) -> Blocks:
    rows = tuple((literal(c.name), sentence(c.doc) if c.doc else "", literals(c.aliases)) for c in program.commands)
    return (
        Heading("Commands"),
        Text("The words of pgagroal 2; those of 0.6 are understood as well."),
        Table(("command", "does", "also spelled"), rows),
    )
