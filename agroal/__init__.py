"""agroal: a connection pool for PostgreSQL."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("agroal")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0+unknown"
