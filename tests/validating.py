"""Bodies through an intake's own unwrapping and validation, without a gateway around it."""

from types import ModuleType

from gateway import apis
from gateway.validation.parts import Opened, Part
from gateway.validation.validator import Validator, unwrapped, validator
from shared.formats.intake import Encoded, Intake, Picked
from shared.registry import Registry, load

APIS = apis.load()
REGISTRY = load()


def json_intakes(registry: Registry) -> list[Intake]:
    """Those whose bodies can be generated from their record's type."""
    return [each for each in registry.intakes if not isinstance(each.bodies[each.name], Encoded | Picked)]


JSON_INTAKES = json_intakes(REGISTRY)


class Door:
    """Takes the bodies of the first format of an intake."""

    def __init__(self, contract: Intake | ModuleType, registry: Registry = REGISTRY) -> None:
        self.intake = contract if isinstance(contract, Intake) else contract.INTAKE
        self.api = APIS.of(self.intake)
        name, body = next(iter(self.intake.bodies.items()))
        self.format = registry.formats[name]
        self._validator: Validator = validator(self.format, body, self.api)

    def validate(self, body: bytes) -> Part:
        return self._validator.validate(self._opened(body))

    def key_in(self, body: bytes) -> str | None:
        return self._validator.key_in(self._opened(body))

    def _opened(self, body: bytes) -> Opened:
        ((_, text),) = unwrapped(self.intake, self.api, body, "")
        return self._validator.opened(text)
