"""A column more, an index, and the first customer: structure and data in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def welcome(apps: Any, editor: Any) -> None:
    apps.get_model("shop", "Customer").objects.using(editor.connection.alias).create(name="the first")


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]  # noqa: RUF012
    operations = [  # noqa: RUF012
        migrations.AddField("Customer", "wishes", models.JSONField(default=dict)),
        migrations.AddIndex("Order", models.Index(fields=["at"], name="shop_order_at")),
        migrations.RunPython(welcome, migrations.RunPython.noop),
    ]
