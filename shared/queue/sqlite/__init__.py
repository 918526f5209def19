"""The embedded queue: one SQLite file behind the contract of `shared.queue.base` (02-delivery)."""

from shared.queue.sqlite.limits import Limits, limits_of
from shared.queue.sqlite.queue import SqliteQueue, Usage

__all__ = ["Limits", "SqliteQueue", "Usage", "limits_of"]
