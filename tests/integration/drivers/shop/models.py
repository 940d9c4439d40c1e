"""A shop, as small as it can be and still have relations, constraints and JSON."""

from __future__ import annotations

from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=50, unique=True)
    wishes = models.JSONField(default=dict)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=8, decimal_places=2)
    at = models.DateTimeField()
