"""The metrics, as they are declared."""

from __future__ import annotations

from agroal.config.choices import MetricsPrefix
from agroal.metrics.family import Family, Kind
from agroal.metrics.seen import MOST_APPLICATIONS, MOST_POOLS, MOST_SLOTS, OTHER
from agroal.metrics.table import CHAPTERS, PROCESS
from agroal.pool.histogram import BOUNDS_FINE_US, BOUNDS_LONG_US, BOUNDS_US
from agroal.reference.page import Block, Blocks, Code, Heading, Table, Text, literal, literals, sentence

HEAD = ("metric", "type", "labels", "meaning")
TYPES = {Kind.TOTAL: "total"}

WHERE = (
    Text(
        "With `metrics = PORT` in agroal.conf, agroal answers on that port of `host` over HTTP, and with "
        "metrics_cert_file and metrics_key_file over HTTPS only. There is no password: who can reach the port can"
        " read the names of databases and users. With metrics_ca_file, scrapers must show a certificate."
    ),
    Table(
        ("path", "answer"),
        (
            ("`/metrics`", "the metrics, as text (0.0.4) or, where `Accept` asks for it, OpenMetrics 1.0"),
            ("`/healthz`", "200 while the event loop turns; it says nothing of PostgreSQL"),
            (
                "`/readyz`",
                "200 when a primary can be reached, else 503 and why. A pool with open connections knows; "
                "otherwise the primary is asked for a connection, once a second at most. 503 from the beginning "
                "of a shutdown",
            ),
            ("`/`", "links to these"),
        ),
    ),
    Text(
        "Anything but GET and HEAD is answered with 405. Requests, connections and times are bounded; one "
        "connection is one request. A scrape reads counters that are kept anyway. `metrics_cache_max_age` serves "
        "one answer for a while. A reload takes new certificates, prefix and age; another port needs a restart."
    ),
    Code('scrape_configs:\n  - job_name: agroal\n    static_configs:\n      - targets: ["db1.example:2346"]\n'),
)
NAMES = (
    Heading("Names"),
    Text(
        "What pgagroal has, has its name here, with `agroal_` before it; `metrics_prefix = pgagroal` puts "
        "`pgagroal_` before all names, and pgagroal's dashboards work. Totals by its names have no `_total`, "
        "which a counter needs in OpenMetrics: so they are untyped. `rate()` and `increase()` work on them all "
        "the same."
    ),
    Text(
        "Not here: server_streaming, server_health, server_version and lag, because agroal knows no replicas yet;"
        " what pgagroal says of certificates that can't be read, because agroal does not start with one; and what"
        " is in the certificates besides their end."
    ),
    Heading("How many series"),
    Text(
        "Clients choose users, databases and application names, so their number is bounded. Pools that a line of "
        f"the databases file names have series of their own, and so have the first {MOST_POOLS} others that "
        f"PostgreSQL has let in; all further ones are added up as `{OTHER}`. Of application names the first "
        f"{MOST_APPLICATIONS} are shown. The first {MOST_SLOTS} slots have series of their own. All totals count "
        "everybody."
    ),
    Heading("Buckets"),
    Text("In seconds. One bucket more, `+Inf`, is without end."),
    Table(
        ("of", "up to"),
        (
            ("waits, connects, loop lag", ", ".join(f"{bound / 1e6:g}" for bound in BOUNDS_US)),
            ("queries, transactions", ", ".join(f"{bound / 1e6:g}" for bound in BOUNDS_FINE_US)),
            ("leases, sessions", ", ".join(f"{bound / 1e6:g}" for bound in BOUNDS_LONG_US)),
        ),
    ),
)


def page() -> Blocks:
    chapters: list[Block] = []
    for title, families in CHAPTERS:
        chapters += [Heading(title), Table(HEAD, tuple(map(_row, families)))]
    process = tuple((literal(name), kind, "", sentence(doc)) for name, kind, doc in PROCESS)
    by_client = Text("The usual ones of prometheus-client, without prefix. Where there is no `/proc`, they are absent.")
    shipped = Text(
        "`conf/prometheus/agroal.rules.yml` has alerts, `conf/grafana/agroal.json` is a dashboard. Both use the "
        "names that begin with `agroal_`."
    )
    return (
        *WHERE,
        *NAMES,
        *chapters,
        Heading("The process"),
        by_client,
        Table(HEAD, process),
        Heading("Shipped"),
        shipped,
    )


def _row(family: Family) -> tuple[str, ...]:
    name = literal(f"{MetricsPrefix.AGROAL}_{family.name}")
    return name, TYPES.get(family.kind, family.kind.value), literals(family.labels), sentence(family.doc)
