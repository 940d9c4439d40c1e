"""Puts it all together: sessions, the pool's shell, start and stop."""
