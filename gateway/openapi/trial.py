"""What an intake makes of its own examples and of bad bodies: found by trying them, not written down."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.apis.base import Api
from gateway.ingest import outcome_of
from gateway.rejections import Rejection
from gateway.validation.parts import Part
from gateway.validation.validator import unwrapped, validator
from shared.formats.intake import Intake, Outcome
from shared.registry import BadExtension, Registry

_NO_BODIES = (b"{", b"{}", b'"text"')
"""Bodies that show how an intake refuses: not JSON, without any field, of another type."""


class Trial:
    """Tries bodies on an intake."""

    def __init__(self, intake: Intake, api: Api, registry: Registry) -> None:
        self._intake = intake
        self._api = api
        self._registry = registry

    def outcomes(self) -> Mapping[str, Outcome]:
        """Example -> what the intake makes of it. Raises `BadExtension` for one that is refused."""
        return {name: self._outcome(name, self._encoded(body)) for name, body in self._intake.examples.items()}

    def refusals(self) -> Iterator[Rejection]:
        """How the intake itself refuses bodies."""
        for body in _NO_BODIES:
            try:
                self._parts(body)
            except Rejection as rejection:
                yield rejection

    def _outcome(self, name: str, body: bytes) -> Outcome:
        try:
            return outcome_of(self._parts(body))
        except Rejection as rejection:
            told = f"the example {name} of {self._intake.route} is refused: {self._api.value(rejection)}"
            raise BadExtension(told) from rejection

    def _encoded(self, body: Any) -> bytes:
        return body if isinstance(body, bytes) else msgspec.json.encode(body)

    def _parts(self, body: bytes) -> list[Part]:
        parts: list[Part] = []
        for name, text in unwrapped(self._intake, self._api, body, ""):
            check = validator(self._registry.formats[name], self._intake.bodies[name], self._api)
            parts.append(check.validate(check.opened(text)))
        return parts
