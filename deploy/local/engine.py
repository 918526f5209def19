"""What the four engines have in common: a folder, an address, a password."""

from pathlib import Path

from deploy.local.child import Child


class Engine(Child):
    """A third-party server on 127.0.0.1 that keeps all its data in one folder.

    It survives kill -9: started again on the same folder it has what it had acknowledged. With `with` it is started
    and stopped. `port` is the preferred one (None: any), after the start the real one; an empty
    `password`: none is asked for.
    """

    def __init__(self, folder: Path, *, port: int | None = None, password: str = "", log: Path | None = None) -> None:
        super().__init__(log or folder / "engine.log", port)
        self.folder = folder.resolve()
        self.password = password

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        raise NotImplementedError

    @staticmethod
    def version() -> str:
        """The version, known without starting it. Raises `Unavailable` where it can't be started at all."""
        raise NotImplementedError

    def before_try(self) -> None:
        super().before_try()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class Unavailable(Exception):
    """This engine can't run on this machine; the text says what is missing and how to get it."""
