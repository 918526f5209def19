"""The embedded queue: one SQLite file behind the contract of `shared.queue.base`
(delivery.md, "The embedded queue")."""

from shared.queue.sqlite.limits import Limits, limits_of
from shared.queue.sqlite.queue import SqliteQueue

__all__ = ["Limits", "SqliteQueue", "limits_of"]
