"""The demonstration: a PostgreSQL of its own, agroal in front of it and pgbench (``python -m agroal.demo``)."""
