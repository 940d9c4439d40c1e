"""SQLAlchemy on three drivers: its connection pool in front of ours, ORM, savepoints, server-side cursors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import (
    URL,
    Engine,
    ForeignKey,
    create_engine,
    event,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from tests.integration.daemon import Agroal

SYNCHRONOUS = ["psycopg", "psycopg2"]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "alchemy_authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "alchemy_books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    author: Mapped[Author] = relationship(back_populates="books")


def url(pool: Agroal, driver: str) -> URL:
    who = pool.database.scram
    return URL.create(f"postgresql+{driver}", who.name, who.password, pool.host, pool.port, pool.database.name)


@pytest.fixture(params=SYNCHRONOUS)
def engine(pool: Agroal, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with connected(pool, request.param) as engine:
        yield engine


@contextmanager
def connected(pool: Agroal, driver: str, **options: object) -> Iterator[Engine]:
    engine = create_engine(url(pool, driver), pool_pre_ping=True, **options)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def library(pool: Agroal) -> Iterator[None]:
    """Ten authors, the nth with n books."""
    with connected(pool, "psycopg") as engine:
        Base.metadata.create_all(engine)
        with Session(engine) as session, session.begin():
            session.add_all(
                Author(name=f"author {n}", books=[Book(title=f"{n}.{k}") for k in range(n)]) for n in range(10)
            )
        yield
        Base.metadata.drop_all(engine)


@pytest.mark.usefixtures("library")
def test_loads_what_belongs_together(engine: Engine) -> None:
    for _ in range(5):
        with Session(engine) as session:
            authors = session.scalars(select(Author).options(selectinload(Author.books)).order_by(Author.id)).all()
            assert [[book.title for book in one.books] for one in authors] == [
                [f"{n}.{k}" for k in range(n)] for n in range(10)
            ]


@pytest.mark.usefixtures("library")
def test_savepoints(engine: Engine) -> None:
    with Session(engine) as session:
        with session.begin():
            session.add(Author(name="new"))
            for n in range(5):
                with pytest.raises(IntegrityError), session.begin_nested():
                    session.add(Author(name=f"author {n}"))
            with session.begin_nested():
                session.add(Author(name="newer"))
        assert session.scalar(select(func.count()).select_from(Author)) == 12


@pytest.mark.usefixtures("library")
def test_many_rows_give_their_numbers(engine: Engine) -> None:
    with Session(engine) as session:
        rows = [{"name": f"one of many {n}"} for n in range(2500)]
        made = session.execute(insert(Author).returning(Author.id, Author.name, sort_by_parameter_order=True), rows)
        assert [name for _, name in made] == [row["name"] for row in rows]


def test_streams_in_pieces(engine: Engine) -> None:
    with engine.connect() as client:
        sql = text("SELECT n FROM generate_series(1, 250) AS n")
        with client.execution_options(yield_per=20).execute(sql) as result:
            assert [n for (n,) in result] == list(range(1, 251))


@pytest.mark.parametrize("level", ["SERIALIZABLE", "REPEATABLE READ", "AUTOCOMMIT"])
def test_isolation(engine: Engine, level: str) -> None:
    for _ in range(10):
        with engine.connect().execution_options(isolation_level=level) as client:
            shown = client.scalar(text("SHOW transaction_isolation"))
            assert shown == ("read committed" if level == "AUTOCOMMIT" else level.lower())


@pytest.mark.usefixtures("library")
def test_reflects_what_is_there(engine: Engine) -> None:
    found = inspect(engine)
    assert {Author.__tablename__, Book.__tablename__} <= set(found.get_table_names())
    assert [column["name"] for column in found.get_columns(Book.__tablename__)] == ["id", "title", "author_id"]
    assert found.get_foreign_keys(Book.__tablename__)[0]["referred_table"] == Author.__tablename__


def test_the_ping_finds_that_a_connection_was_lost(pool: Agroal, engine: Engine) -> None:
    """Its server is killed while it is in the pool of SQLAlchemy; in the transaction pipeline it has none then."""
    for _ in range(3):
        with engine.connect() as client:
            pid = client.scalar(text("SELECT pg_backend_pid()"))
        pool.database.query("SELECT pg_terminate_backend(%s, 5000)", pid)
        with engine.connect() as client:
            assert client.scalar(select(literal(7))) == 7


def test_a_setting_for_every_connection(pool: Agroal) -> None:
    """Set when it is made, as applications do it, and expected from then on."""
    with connected(pool, "psycopg", pool_size=2) as engine:

        @event.listens_for(engine, "connect")
        def configure(connection: object, _: object) -> None:
            connection.autocommit = True  # type: ignore[attr-defined]
            connection.execute("SET search_path = pg_catalog, public")  # type: ignore[attr-defined]
            connection.autocommit = False  # type: ignore[attr-defined]

        for _ in range(10):
            with engine.connect() as client:
                assert client.scalar(text("SHOW search_path")) == "pg_catalog, public"


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("cache", [100, 1, 0], ids=lambda size: f"cache of {size}")
def test_asyncpg_loads_what_belongs_together(pool: Agroal, cache: int) -> None:
    """Where others have mixed up the answers: many sessions, a query for the rows and one for what belongs to them."""

    async def load(session: AsyncSession, n: int) -> list[str]:
        found = select(Author).options(selectinload(Author.books)).where(Author.name == f"author {n}")
        author = (await session.scalars(found)).one()
        assert author.name == f"author {n}"
        return [book.title for book in author.books]

    async def all_at_once() -> None:
        address = url(pool, "asyncpg").update_query_dict({"prepared_statement_cache_size": str(cache)})
        engine = create_async_engine(address, pool_size=4, pool_pre_ping=True)

        async def one(n: int) -> None:
            for _ in range(3):
                async with AsyncSession(engine) as session, session.begin():
                    assert await load(session, n) == [f"{n}.{k}" for k in range(n)]
                    with pytest.raises(IntegrityError):
                        async with session.begin_nested():
                            session.add(Author(name="author 0"))

        try:
            await asyncio.gather(*map(one, range(10)))
        finally:
            await engine.dispose()

    asyncio.run(all_at_once())


def test_asyncpg_streams_in_pieces(pool: Agroal) -> None:
    async def ask() -> None:
        engine = create_async_engine(url(pool, "asyncpg"))
        try:
            async with engine.connect() as client:
                rows = await client.stream(text("SELECT n FROM generate_series(1, 250) AS n"))
                assert [n async for (n,) in rows] == list(range(1, 251))
        finally:
            await engine.dispose()

    asyncio.run(ask())
