"""Records that follow from those of a request: the errors in its spans and logs, the calls to models in its spans."""

from collections.abc import Mapping, Sequence
from math import inf

from gateway.validation.parts import Part
from gateway.validation.sizes import SLOW_BYTES, Heavy
from shared.formats.intake import Derivation, Encoded, Intake, Laborious, Picked
from shared.registry import Registry
from shared.search import holds

MANY_MARKS = 500
"""Marks in a payload that are still looked into on the event loop: a record has some, and takes ten microseconds."""

MANY_PIECES = 8_000
"""Attributes and values of marked records that are still looked into there: each takes some microseconds."""


class Deriving:
    """Derives the parts that follow from those of one intake. Pure. Made once a process."""

    def __init__(self, derivations: Mapping[str, Sequence[Derivation]], registry: Registry, *, patient: bool) -> None:
        self._derivations = derivations
        self._registry = registry
        self._most = inf if patient else MANY_MARKS

    def parts(self, parts: Sequence[Part]) -> list[Part]:
        """What follows from good records. Raises `Heavy`."""
        return [
            derived
            for part in parts
            if part.n
            for each in self._derivations.get(part.format.name, ())
            if (derived := self._derived(part, each)) is not None
        ]

    def _derived(self, part: Part, derivation: Derivation) -> Part | None:
        payload = bytes(part.payload)
        marks = [mark for mark in derivation.marks if holds(payload, mark)]
        if not marks:
            return None
        if sum(map(payload.count, marks)) > self._most:
            raise Heavy
        most = MANY_PIECES if self._most < inf and len(payload) > SLOW_BYTES else inf
        try:
            made = derivation.derive(payload, most)
        except Laborious as error:
            raise Heavy from error
        if not made.n:
            return None
        fmt = self._registry.formats[derivation.format]
        has_events = "event_id" in self._registry.signal_of(fmt).table.column_names
        return Part(
            fmt,
            made.payload,
            made.n,
            service=part.service,
            environment=part.environment,
            release=part.release,
            event_ids=("",) * made.n if has_events else (),
            is_derived=True,
            duplicates=made.duplicates,
            left_out=made.left_out,
        )


def derivations(intake: Intake, registry: Registry, *, patient: bool) -> Deriving | None:
    """None for an intake from whose records nothing follows."""
    found = {
        name: body.derivations
        for name, body in intake.bodies.items()
        if isinstance(body, Encoded | Picked) and body.derivations
    }
    return Deriving(found, registry, patient=patient) if found else None
