"""Django: migrations, the ORM, nested atomic blocks, server-side cursors; on psycopg 3."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction

from tests.integration.daemon import Agroal

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORDERS = 250

if not settings.configured:
    settings.configure(
        INSTALLED_APPS=["tests.integration.drivers.shop"],
        DATABASES={},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        TIME_ZONE="Asia/Tokyo",
        USE_TZ=True,
    )
    django.setup()

from tests.integration.drivers.shop.models import Customer, Order  # noqa: E402 - models need the settings


@pytest.fixture(params=[True, False], ids=["bound by the server", "bound by the client"])
def alias(pool: Agroal, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a database with a shop: migrated, and one customer with many orders."""
    name, who = "default", pool.database.scram
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": pool.host,
        "PORT": pool.port,
        "NAME": pool.database.name,
        "USER": who.name,
        "PASSWORD": who.password,
        "OPTIONS": {"server_side_binding": request.param},
    }
    with suppress(AttributeError):
        del connections[name]  # the placeholder that Django has before it knows of any
    connections.settings[name] = connections.configure_settings({name: database})[name]
    call_command("migrate", database=name, verbosity=0)
    customer = Customer.objects.create(name="many orders", wishes={"colour": "red"})
    Order.objects.bulk_create(
        Order(customer=customer, total=Decimal(n) / 100, at=NOON + timedelta(hours=n)) for n in range(ORDERS)
    )
    yield name
    call_command("migrate", "shop", "zero", database=name, verbosity=0)
    connections[name].cursor().execute("DROP TABLE django_migrations")
    connections[name].close()
    del connections[name]


@pytest.mark.usefixtures("alias")
def test_what_the_migrations_made_can_be_asked_for() -> None:
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["many orders", "the first"]
    many = Customer.objects.prefetch_related("orders").get(wishes__colour="red")
    assert len(many.orders.all()) == ORDERS
    assert Order.objects.select_related("customer").latest("at").customer.name == "many orders"
    assert Order.objects.filter(at__date="2026-11-23").count() == 24  # of Tokyo


@pytest.mark.usefixtures("alias")
def test_atomic_blocks_in_atomic_blocks() -> None:
    with transaction.atomic():
        Customer.objects.create(name="outer")
        for _ in range(5):
            with pytest.raises(IntegrityError), transaction.atomic():
                Customer.objects.bulk_create([Customer(name="inner"), Customer(name="the first")], batch_size=1)
        with transaction.atomic():
            Customer.objects.create(name="inner")
    assert Customer.objects.filter(name__in=["outer", "inner"]).count() == 2


@pytest.mark.usefixtures("alias")
def test_a_block_that_fails_leaves_nothing() -> None:
    def fail() -> None:
        with transaction.atomic():
            Customer.objects.create(name="undone")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert not Customer.objects.filter(name="undone").exists()


@pytest.mark.parametrize("within", [True, False], ids=["in a transaction", "held, without one"])
def test_server_side_cursors(alias: str, within: bool) -> None:
    """Without a transaction Django declares them WITH HOLD: in the transaction pipeline they keep their server."""
    orders = Order.objects.order_by("id").iterator(chunk_size=20)
    if within:
        with transaction.atomic():
            found = [order.total for order in orders]
    else:
        found = []
        for order in orders:
            found.append(order.total)
            if len(found) % 50 == 0:
                assert Order.objects.filter(pk=order.pk).count() == 1
    assert found == [Decimal(n) / 100 for n in range(ORDERS)]


@pytest.mark.usefixtures("alias")
def test_rows_are_locked_and_updated() -> None:
    with transaction.atomic():
        first = Order.objects.select_for_update().order_by("id").first()
        assert first
        first.total += 1
        first.save()
    assert Order.objects.get(pk=first.pk).total == Decimal(1)


@pytest.mark.usefixtures("alias")
def test_the_time_zone_of_its_connections_stays_theirs() -> None:
    for _ in range(20):
        with connections["default"].cursor() as cursor:
            cursor.execute("SHOW TimeZone")
            assert cursor.fetchone() == ("UTC",)


@pytest.mark.usefixtures("alias")
def test_many_threads_get_what_they_ask_for() -> None:
    def work(number: int) -> None:
        try:
            for n in range(10):
                with transaction.atomic():
                    made = Customer.objects.create(name=f"{number}.{n}", wishes={"number": number})
                assert Customer.objects.get(pk=made.pk).wishes == {"number": number}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert Customer.objects.filter(name__contains=".").count() == 40
