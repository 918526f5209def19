"""A broker with one more listener, for clients that come with TLS or log in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.local.child import Command
from deploy.local.kafka import Kafka
from deploy.local.ports import HOST, free_port


@dataclass(frozen=True)
class Listener:
    """`protocol`: SSL, SASL_PLAINTEXT or SASL_SSL. `properties`: the broker's, for this listener alone, as
    `ssl.keystore.type`. `users`: name -> password, for SCRAM. `everywhere`: properties of the whole broker."""

    protocol: str
    properties: Mapping[str, str]
    users: Mapping[str, str] = field(default_factory=dict)
    everywhere: Mapping[str, str] = field(default_factory=dict)


class SecuredKafka(Kafka):
    """`secure_url` is the listener's address."""

    def __init__(self, folder: Path, listener: Listener) -> None:
        super().__init__(folder)
        self._listener = listener
        self._secure_port: int | None = None

    @property
    def secure_url(self) -> str:
        return f"kafka://{HOST}:{self._secure_port}"

    def before_try(self) -> None:
        super().before_try()
        if not self.answered_once:
            self._secure_port = free_port(self._secure_port)
        file, mine = self.folder / "server.properties", self._listener
        lines = file.read_text().splitlines()
        properties = dict(line.split("=", 1) for line in lines)
        for name in ("listeners", "advertised.listeners"):
            lines.append(f"{name}={properties[name]},SECURE://{HOST}:{self._secure_port}")  # overrules the first one
        protocols = "listener.security.protocol.map"
        lines.append(f"{protocols}={properties[protocols]},SECURE:{mine.protocol}")
        lines += [f"listener.name.secure.{name}={value}" for name, value in mine.properties.items()]
        lines += [f"{name}={value}" for name, value in mine.everywhere.items()]
        file.write_text("\n".join(lines) + "\n")

    def steps(self) -> Iterator[Command]:
        users = [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for name, password in self._listener.users.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        for step in super().steps():
            formats = "format" in step.argv
            yield replace(step, argv=[*step.argv, *users]) if formats else step
