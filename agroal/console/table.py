"""What a SHOW is made of. One declaration says its columns, what each means, and where its value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from agroal.console.averages import Rates
from agroal.console.face import Face
from agroal.console.values import Type, Value
from agroal.management.controls import Alias, Setting
from agroal.management.snapshot import Snapshot

T = TypeVar("T")
Row = tuple[Value, ...]

MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class View:
    """All that can be shown, as of one instant."""

    face: Face
    snapshot: Snapshot
    rates: Rates
    """Since a minute ago, or longer."""
    settings: tuple[Setting, ...] = ()
    """Of those SHOWs that need them."""
    limits: tuple[Alias, ...] = ()
    resident: int = 0
    """Bytes of the process in memory."""
    _real: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        real = {alias: limit.database for limit in self.limits for alias in limit.aliases}
        object.__setattr__(self, "_real", real)

    def real(self, database: str) -> str:
        """What a client's database is an alias of, or itself."""
        return self._real.get(database, database)

    def wall(self, mono_us: int) -> str:
        """A point in time as PgBouncer writes it, in UTC."""
        now = datetime.fromisoformat(self.snapshot.wall)
        then = now - timedelta(microseconds=self.snapshot.mono_us - mono_us)
        return then.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    def setting(self, key: str) -> Setting | None:
        return next((setting for setting in self.settings if setting.key == key), None)


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    name: str
    type: Type
    doc: str
    value: Callable[[T], Value]
    own: bool = False
    """agroal's, and not PgBouncer's: shown by the first name only."""


@dataclass(frozen=True, slots=True)
class Show(Generic[T]):
    """One table, for both faces."""

    name: str
    doc: str
    items: Callable[[View], Iterable[T]]
    """What there is a row for."""
    columns: tuple[Column[T], ...]
    configured: bool = False
    """It needs `settings` and `limits`."""
    own: bool = False
    """PgBouncer has nothing like it; it is there under both names."""

    def seen(self, face: Face) -> tuple[Column[T], ...]:
        """The columns under this name."""
        return tuple(column for column in self.columns if face is Face.AGROAL or not column.own or self.own)

    def rows(self, view: View) -> Iterator[Row]:
        values = [column.value for column in self.seen(view.face)]
        return (tuple(value(item) for value in values) for item in self.items(view))


AnyShow = Show[Any]


def nothing(_: object) -> Value:
    """Of a column that agroal has no value for."""
    return None


def zero(_: object) -> Value:
    """Of a column that counts what agroal does not have."""
    return 0


def seconds(microseconds: int) -> int:
    """The whole ones."""
    return microseconds // MICROSECONDS


def address(label: str) -> str:
    """PgBouncer's `addr` of a client: its address, or `unix`."""
    return label.rpartition(":")[0] if ":" in label else "unix"


def port(label: str) -> int:
    host, _, number = label.rpartition(":")
    return int(number) if host and number.isdigit() else 0
