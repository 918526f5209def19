"""A transport without a socket."""

import asyncio
from typing import Any


class Transport(asyncio.Transport):
    """Keeps what is written. Nobody takes it while `is_deaf`."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = ""
        self.is_deaf = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return len(self.written) if self.is_deaf else 0

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
