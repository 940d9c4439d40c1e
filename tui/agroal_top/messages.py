"""What the thread that reads the source tells the app. The app alone touches the model."""

from __future__ import annotations

from textual.message import Message

from agroal_top.source import Hello


class Arrived(Message):
    """Something waits in the poller's mailbox."""


class Greeted(Message):
    """A connection stands; the daemon said who it is."""

    def __init__(self, hello: Hello) -> None:
        super().__init__()
        self.hello = hello


class Connecting(Message):
    """It is tried to connect."""


class SourceLost(Message):
    """The daemon can't be reached. `retry_at` is on the poller's clock; None: it is not tried again."""

    def __init__(self, cause: str, at: float, retry_at: float | None) -> None:
        super().__init__()
        self.cause, self.at, self.retry_at = cause, at, retry_at
