"""Looks at what an agroal needs: its files, its host, its PostgreSQL. Says what is wrong, and what to do.

`examine.py` gathers everything that takes a socket, a file or a clock in a `Patient`; the checks only look at that.
"""
