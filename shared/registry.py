"""Finds the signals and formats: every file in `shared/signals` and `shared/formats` that defines one, and those of an
extra folder with the same two subfolders (setting `SLUICE_EXTENSIONS`)."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import shared.formats
import shared.signals
from shared.formats.base import Format
from shared.signals.base import Signal, Table


class BadExtension(Exception):
    """A signal or format that can't be used; the text says why."""


@dataclass(frozen=True)
class Registry:
    """All signals and formats by name."""

    signals: Mapping[str, Signal]
    formats: Mapping[str, Format]

    @property
    def tables(self) -> list[Table]:
        """Each table once (several signals may share one)."""
        return list({signal.table.name: signal.table for signal in self.signals.values()}.values())

    def signal_of(self, fmt: Format) -> Signal:
        return self.signals[fmt.signal]

    def formats_of(self, signal: Signal) -> list[Format]:
        return [fmt for fmt in self.formats.values() if fmt.signal == signal.name]


def load(extensions: Path | None = None, topic_prefix: str = "") -> Registry:
    """The registry of this process. Raises `BadExtension` for a folder that doesn't hold what it should."""
    if extensions is not None and not extensions.is_dir():
        raise BadExtension(f"SLUICE_EXTENSIONS names {extensions}, which is no folder")
    signals = {
        signal.name: replace(signal, topic_prefix=topic_prefix)
        for module in _modules(shared.signals, extensions and extensions / "signals")
        if isinstance(signal := getattr(module, "SIGNAL", None), Signal)
    }
    formats = {
        fmt.name: fmt
        for module in _modules(shared.formats, extensions and extensions / "formats")
        if isinstance(fmt := getattr(module, "FORMAT", None), Format)
    }
    for fmt in formats.values():
        if fmt.signal not in signals:
            raise BadExtension(f"format {fmt.name} is of the signal {fmt.signal}, which no file defines")
    return Registry(signals, formats)


def _modules(package: ModuleType, folder: Path | None) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{info.name}")
    for path in sorted(folder.glob("*.py")) if folder else ():
        yield _import_file(f"sluice_extension_{path.parent.name}_{path.stem}", path)


def _import_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadExtension(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
