"""Finds what extends the gateway and the writer: every file in `shared/signals` and `shared/formats`, and those of an
extra folder with the same subfolders (setting `SLUICE_EXTENSIONS`).

A file is recognised by what it defines: signals, formats and intakes, under any public names, any number of each.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import shared.formats
import shared.signals
from shared.formats.base import Format
from shared.formats.intake import Encoded, Intake, Picked
from shared.queue.writer_groups import WriterGroups
from shared.signals.base import Signal, Table

T = TypeVar("T")


class BadExtension(Exception):
    """A signal, format, intake or API that can't be used; the text says why."""


class UnknownSignal(Exception):
    """No signal has this name; the text says which there are."""


@dataclass(frozen=True)
class Registry:
    """All signals and formats by name, and the intakes."""

    signals: Mapping[str, Signal]
    formats: Mapping[str, Format]
    intakes: tuple[Intake, ...] = ()

    @property
    def with_overflow(self) -> list[Signal]:
        """Each signal, and behind it the same with its overflow topic: all topics that hold records."""
        return [each for signal in self.signals.values() for each in (signal, signal.overflow)]

    def named(self, names: Collection[str]) -> list[Signal]:
        """Those `with_overflow` that have one of these names; all if there is none. `logs` names both topics of a
        signal, `logs.overflow` one. Raises `UnknownSignal`."""
        known = self.with_overflow
        if unknown := set(names) - {name for each in known for name in (each.name, each.full_name)}:
            raise UnknownSignal(f"there is no signal {min(unknown)!r}; there are {', '.join(sorted(self.signals))}")
        return [each for each in known if not names or each.name in names or each.full_name in names]

    @property
    def tables(self) -> list[Table]:
        """Each table once (several signals may share one)."""
        return list({signal.table.name: signal.table for signal in self.signals.values()}.values())

    @property
    def stores(self) -> dict[str, str]:
        """Signal -> name of its table. Of several in one table it is the signal of that name."""
        named = {signal.table.name: signal for signal in self.signals.values()}
        named |= {signal.table.name: signal for signal in self.signals.values() if signal.name == signal.table.name}
        return {signal.name: table for table, signal in named.items()}

    @property
    def stored_as(self) -> dict[str, str]:
        """Signal -> the one of `stores` that has its table: drains are stored as logs."""
        names = {table: name for name, table in self.stores.items()}
        return {signal.name: names[signal.table.name] for signal in self.signals.values()}

    def groups(self, name: str) -> WriterGroups:
        """The groups of the writers that the setting `SLUICE_WRITER_GROUP` names."""
        return WriterGroups(name, {signal.topic: signal.full_name for signal in self.with_overflow})

    def signal_of(self, fmt: Format) -> Signal:
        return self.signals[fmt.signal]

    def formats_of(self, signal: Signal) -> list[Format]:
        return [fmt for fmt in self.stored_formats if fmt.signal == signal.name]

    @property
    def stored_formats(self) -> list[Format]:
        """Those whose records become rows."""
        return [fmt for fmt in self.formats.values() if fmt.columns is not None]

    @property
    def derived(self) -> frozenset[str]:
        """The formats whose records follow from those of a request."""
        bodies = [body for intake in self.intakes for body in intake.bodies.values()]
        return frozenset(
            each.format for body in bodies if isinstance(body, Encoded | Picked) for each in body.derivations
        )

    def deriving(self, signals: Collection[str]) -> "Registry":
        """The same, with no records but those of these signals following from others."""
        return replace(self, intakes=tuple(self._deriving(intake, signals) for intake in self.intakes))

    def _deriving(self, intake: Intake, signals: Collection[str]) -> Intake:
        bodies = dict(intake.bodies)
        for name, body in bodies.items():
            if isinstance(body, Encoded | Picked):
                kept = tuple(each for each in body.derivations if self.formats[each.format].signal in signals)
                bodies[name] = replace(body, derivations=kept)
        return replace(intake, bodies=bodies)


def load(extensions: Path | None = None, topic_prefix: str = "") -> Registry:
    """The registry of this process. Raises `BadExtension` for an extension that can't be used."""
    of_signals = list(modules(shared.signals, extensions))
    of_formats = list(modules(shared.formats, extensions))
    found = defined(of_signals, Signal)
    signals = {signal.name: replace(signal, topic_prefix=topic_prefix) for signal in found}
    formats = {fmt.name: fmt for fmt in defined(of_formats, Format)}
    intakes = tuple(defined(of_formats, Intake))
    for fmt in formats.values():
        if fmt.columns is not None and fmt.signal not in signals:
            raise BadExtension(f"format {fmt.name} is of the signal {fmt.signal}, which no file defines")
    for intake in intakes:
        _check(intake, formats)
    return Registry(signals, formats, intakes)


def _check(intake: Intake, formats: Mapping[str, Format]) -> None:
    """Raise `BadExtension` for an intake whose requests could not be accepted."""
    if not intake.bodies or not intake.routes:
        raise BadExtension("an intake has neither a route nor a format: give it both")
    if unknown := [name for name in intake.bodies if name not in formats]:
        raise BadExtension(f"the intake of {intake.route} names the format {unknown[0]}, which no file defines")
    if len(intake.bodies) > 1 and intake.unwrap is None:
        raise BadExtension(f"the intake of {intake.route} takes several formats: it needs an `unwrap`")


def modules(package: ModuleType, extensions: Path | None) -> Iterator[ModuleType]:
    """The modules of a package and of the packages in it, then the files of the extra folder's subfolder of that
    name."""
    if extensions is not None and not extensions.is_dir():
        raise BadExtension(f"SLUICE_EXTENSIONS names {extensions}, which is no folder")
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(info.name)
    folder = extensions / package.__name__.rpartition(".")[2] if extensions else None
    for path in sorted(folder.glob("*.py")) if folder else ():
        yield _import_file(f"sluice_extension_{path.parent.name}_{path.stem}", path)


def defined(found: Iterable[ModuleType], kind: type[T]) -> list[T]:
    """The instances of a kind that the modules define, each once, in the order of files and lines."""
    values = [
        value
        for module in found
        for name, value in vars(module).items()
        if isinstance(value, kind) and not name.startswith("_")
    ]
    return list({id(value): value for value in values}.values())


def _import_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadExtension(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
