"""Sockets: the pump that drives them all, and what it drives."""
