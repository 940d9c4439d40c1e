"""The section [pgbouncer]: its values, and those keys whose value becomes that of a key of agroal.conf."""

from __future__ import annotations

from collections.abc import Mapping

from agroal.config.units import BOOLEANS
from agroal.importing.bouncer_ini import Entry
from agroal.importing.bouncer_keys import MAIN, Key, by_name
from agroal.importing.conversions import beside
from agroal.importing.draft import Draft
from agroal.importing.findings import Findings, Outcome, Place

PIPELINES = {"session": "session", "transaction": "transaction", "statement": "transaction"}
TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
ENFORCED = TLS_MODES[3:]
CERTIFIED = TLS_MODES[4:]

_KEYS = by_name(MAIN)
_EMPTY_MEANS_SOMETHING = ("server_reset_query", "unix_socket_dir", "server_check_query")
_LEVELS = {"0": "info", "1": "debug"}


class Main:
    """The values of [pgbouncer], given or default, and what is found about them."""

    def __init__(self, entries: Mapping[str, Entry], file: str, findings: Findings) -> None:
        self._entries = entries
        self._file = file
        self.findings = findings

    def given(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and (bool(entry.value) or name in _EMPTY_MEANS_SOMETHING)

    def text(self, name: str) -> str:
        """Empty when it is not given and has no default that agroal needs to know."""
        return self._entries[name].value if self.given(name) else _KEYS[name].default or ""

    def place(self, name: str) -> Place:
        return self._entries[name].place if name in self._entries else Place(self._file)

    def number(self, name: str) -> int:
        """Not below 0, and 0 when it is not given or no number, which is told."""
        text = self.text(name) or "0"
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        self.wrong(name, "expected a number from 0 on")
        return int(_KEYS[name].default or 0)

    def word(self, name: str, words: Mapping[str, str]) -> str:
        """What the value stands for, its default's if it is no such word, which is told."""
        text = self.text(name).lower()
        if text not in words:
            self.wrong(name, f"expected one of {', '.join(words)}")
            text = _KEYS[name].default or next(iter(words))
        return words[text]

    def wrong(self, name: str, why: str) -> None:
        self.findings.human(self.place(name), self.shown(name), f"{why}. It was left out.")

    def shown(self, name: str) -> str:
        return f"{name} = {self.text(name)}"

    def report(self) -> None:
        """One finding for each key that is given, as the table has it; those that `_convert` takes are told there."""
        for name, entry in self._entries.items():
            key = _KEYS.get(name)
            if key is None:
                self.findings.human(entry.place, name, "PgBouncer 1.25 has no such key. It was left out.")
            elif key.how is None and self.given(name):
                self.findings.add(key.outcome, entry.place, self.shown(name), became=key.becomes, says=key.says)


def write_settings(main: Main, draft: Draft) -> None:
    """All keys of agroal.conf but those of clients' TLS and max_connections."""
    for key in MAIN:
        if key.how is not None and (main.given(key.name) or key.default is not None):
            _convert(main, key, draft)
    _listen(main, draft)
    _log(main, draft)
    _validate(main, draft)
    mode = main.word("pool_mode", {"": "session", **PIPELINES})
    put(main, draft, "pipeline", mode, "pool_mode")
    if main.text("pool_mode").lower() == "statement":
        says = "Transactions of several statements are allowed: agroal has no pool mode that refuses them."
        main.findings.add(Outcome.CHANGED, main.place("pool_mode"), main.shown("pool_mode"), says=says)


def write_encryption(main: Main, draft: Draft) -> str:
    """What clients are offered. Returns the mode that is in force."""
    modes = {mode: mode for mode in TLS_MODES}
    mode = main.word("client_tls_sslmode", {"": "disable", **modes})
    for name in ("client_tls_key_file", "client_tls_cert_file"):
        if mode != "disable" and not main.given(name):
            why = f"{name} is missing: TLS is off" + (", so nobody can come in over TCP" if mode in ENFORCED else "")
            main.findings.human(main.place("client_tls_sslmode"), main.shown("client_tls_sslmode"), f"{why}.")
            return mode if mode in ENFORCED else "disable"
    if mode == "disable":
        for name in ("tls_min_version", "tls_ciphers"):
            draft.settings.pop(name, None)
        return mode
    put(main, draft, "tls", "on", "client_tls_sslmode")
    put(main, draft, "tls_cert_file", main.text("client_tls_cert_file"), "client_tls_cert_file")
    put(main, draft, "tls_key_file", main.text("client_tls_key_file"), "client_tls_key_file")
    if mode in CERTIFIED and main.given("client_tls_ca_file"):
        put(main, draft, "tls_ca_file", main.text("client_tls_ca_file"), "client_tls_ca_file")
    elif mode in CERTIFIED:
        why = "client_tls_ca_file is missing: nobody's certificate is checked."
        main.findings.human(main.place("client_tls_sslmode"), main.shown("client_tls_sslmode"), why)
    return mode


def put(main: Main, draft: Draft, key: str, value: str, source: str, otherwise: str = "") -> None:
    """Set a key because of another one; what can't be set is told."""
    try:
        draft.put(key, value, _comment(main, source))
    except ValueError as error:
        main.wrong(source, str(error))
        if otherwise:
            draft.put(key, otherwise)


def _comment(main: Main, name: str) -> str:
    return main.shown(name) if main.given(name) else f"PgBouncer's default of {name}"


def _convert(main: Main, key: Key, draft: Draft) -> None:
    text = main.text(key.name)
    assert key.how
    try:
        draft.put(key.becomes, key.how(text), _comment(main, key.name))
    except ValueError as error:
        main.wrong(key.name, str(error))
        if key.default is not None:
            draft.put(key.becomes, key.how(key.default), f"PgBouncer's default of {key.name}")
        return
    if main.given(key.name):
        became = draft.settings[key.becomes].text
        main.findings.add(key.outcome, main.place(key.name), main.shown(key.name), became=became, says=key.says)


def _listen(main: Main, draft: Draft) -> None:
    addresses = [address.strip() for address in main.text("listen_addr").split(",") if address.strip()]
    loopback = {"127.0.0.1", "::1"}
    if "*" in addresses:
        host = "*"
    elif len(addresses) > 1 and set(addresses) <= {"localhost", *loopback}:
        host = "localhost"
    else:
        host = addresses[0] if addresses else "localhost"
        if len(addresses) > 1:
            says = f"agroal listens on {host} only. `host = *` is every address; then the hba file has to say who."
            main.findings.human(main.place("listen_addr"), main.shown("listen_addr"), says)
    put(main, draft, "host", host, "listen_addr", "localhost")
    directory = main.text("unix_socket_dir")
    if not directory or directory.startswith("@"):
        says = "agroal needs a directory for its sockets; /tmp is used. Clients are refused there by the hba file."
        main.findings.human(main.place("unix_socket_dir"), main.shown("unix_socket_dir"), says)
        directory = "/tmp"
    put(main, draft, "unix_socket_dir", directory, "unix_socket_dir", "/tmp")


def _log(main: Main, draft: Draft) -> None:
    if main.given("logfile"):
        put(main, draft, "log_path", beside(main.text("logfile")), "logfile")
        put(main, draft, "log_type", "file", "logfile")
    if BOOLEANS.get(main.text("syslog")):
        put(main, draft, "log_type", "syslog", "syslog")
    if main.given("verbose"):
        put(main, draft, "log_level", _LEVELS.get(main.text("verbose"), "trace"), "verbose")


def _validate(main: Main, draft: Draft) -> None:
    """PgBouncer asks before a lease, when a server was free for longer than the delay; agroal asks beforehand."""
    delay = draft.settings.get("background_interval")
    turned_off = main.given("server_check_query") and not main.text("server_check_query")
    if turned_off or not (delay or main.given("server_check_query")):
        draft.settings.pop("background_interval", None)
        return
    source = "server_check_query" if main.given("server_check_query") else "server_check_delay"
    put(main, draft, "validation", "background", source)
