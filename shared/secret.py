"""Texts that nothing shows: passwords, and addresses that may hold one."""

import logging
from pathlib import Path
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)


class Unusable(Exception):
    """A text or a file that can't be used. Says why, and doesn't show the text."""


class Secret:
    """No repr, log or traceback has it. False where it is empty.

    With a `file` it is what the file holds, read again whenever the file has changed. While that can't be used (gone,
    empty, half written), the text before holds, and the log says so.
    """

    __slots__ = ("_file", "_seen", "_text")

    def __init__(self, text: str = "", *, file: Path | None = None) -> None:
        """Raises `Unusable`."""
        self._text = text
        self._file = file
        self._seen: tuple[int, ...] | None = None
        if file is not None:
            self._renew(file)
        elif text:
            self.check(text)

    def check(self, text: str) -> None:
        """Raise `Unusable` for a text that can't be right."""
        if not text:
            raise Unusable("is empty")

    def reveal(self) -> str:
        if self._file is not None:
            try:
                self._renew(self._file)
            except Unusable as error:
                _log.warning("%s %s: what it held before is used", self._file, error)
        return self._text

    def _renew(self, file: Path) -> None:
        """Read the file if it is another one than at the last look. One that can't be used is told once."""
        seen, before = _version(file), self._seen
        if seen == before:
            return
        self._seen = seen
        try:
            text = file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"can't be read: {error}") from None
        self.check(text)
        self._text = text
        if before is not None:
            _log.info("%s has changed: what it holds now is used", file)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(...)" if self._text else "Secret('')"


class Url(Secret):
    """Where a neighbour is, and who logs in there."""

    __slots__ = ()

    def check(self, text: str) -> None:
        super().check(text)
        try:
            parts = urlsplit(text)
            hosts = parts.netloc.rpartition("@")[2]
            ports = [port for host in hosts.split(",") if (port := host.rpartition("]")[2].partition(":")[2])]
        except ValueError:
            raise Unusable(_NO_URL) from None
        if not all(port.isdecimal() for port in ports) or "@" in parts.path + parts.fragment:
            raise Unusable(_NO_URL)
        if parts.scheme not in _SCHEMES:
            raise Unusable(f"is no URL of {', '.join(_SCHEMES)}")


AnyUrl = str | Secret


def text_of(url: AnyUrl) -> str:
    """The text at this moment."""
    return url if isinstance(url, str) else url.reveal()


def _version(file: Path) -> tuple[int, ...]:
    """What changes with a file; nothing of one that is gone."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size


_SCHEMES = ("clickhouse", "clickhouses", "postgresql", "postgres", "redis", "rediss", "unix")
_NO_URL = "is no URL: in a user or password write / ? # @ : [ ] % as %2F %3F %23 %40 %3A %5B %5D %25"
