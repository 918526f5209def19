"""All that is done with the body of a request to one intake: unwrapped, opened, its key found, its records validated.

On the event loop only as much as a few milliseconds allow. What would take longer raises `Heavy`, and is done in a
process aside (`gateway.validation.aside`) by the same code, which is patient there.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

from gateway.apis.base import Api
from gateway.rejections import Unreadable
from gateway.validation.derived import derivations
from gateway.validation.nesting import is_too_deep
from gateway.validation.parts import Opened, Part
from gateway.validation.sizes import FAST_BYTES, SLOW_BYTES, Heavy
from gateway.validation.validator import Validator, unwrapped, validator
from shared.formats.intake import Intake
from shared.registry import Registry

Body = tuple[Validator, Opened]
"""A body of one format, after its first decode."""


class Checks:
    """Checks the bodies of one intake. Pure. Made once a process.

    1. Without `patient` it raises `Heavy` before it begins what could hold the event loop for more than some
       milliseconds, whatever the body is.
    """

    def __init__(self, intake: Intake, registry: Registry, api: Api, *, patient: bool = False) -> None:
        self._intake = intake
        self._api = api
        self._name = intake.name
        self._fast_bytes = inf if patient else FAST_BYTES
        self._slow_bytes = inf if patient else SLOW_BYTES
        self._light_bytes = 0 if intake.is_packed and not patient else self._slow_bytes
        self._validators = {
            name: validator(registry.formats[name], body, api, self._slow_bytes) for name, body in intake.bodies.items()
        }
        self._derive = derivations(intake, registry, patient=patient)

    def opened(self, body: bytes, content_type: bytes = b"") -> list[Body]:
        """The body of each format in a request. Raises `MalformedJson`, `BadEvent`, `Unreadable`, `TooLarge`."""
        if len(body) > self._fast_bytes:
            raise Heavy
        if self._intake.unwrap is None:
            pairs: Sequence[tuple[str, Any]] = ((self._name, body),)
        else:
            if len(body) > self._light_bytes and self._intake.is_heavy(body):
                raise Heavy
            pairs = unwrapped(self._intake, self._api, body, content_type.decode("latin-1"))
        bodies: list[Body] = []
        for name, text in pairs:
            check = self._validators[name]
            if check.looks_too_deep(text):
                if len(text) > self._slow_bytes:
                    raise Heavy
                if is_too_deep(text):
                    raise Unreadable("nested too deeply")
            bodies.append((check, check.opened(text)))
        return bodies

    def parts(self, bodies: Sequence[Body]) -> list[Part]:
        """The good records of each body, and those that follow from them. Raises as `Validator.validate`, and
        `Heavy`."""
        parts = [check.validate(opened) for check, opened in bodies]
        if self._derive is not None:
            parts += self._derive.parts(parts)
        return parts


def key_in(bodies: Sequence[Body]) -> str | None:
    """The key in the first body that has one. Raises `MalformedJson`, `Heavy`."""
    return next((key for check, opened in bodies if (key := check.key_in(opened)) is not None), None)
