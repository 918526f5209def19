"""The APIs. Each file here defines one, and so does each file in an extension's `apis` folder."""

from collections.abc import Iterable
from pathlib import Path

import gateway.apis
from gateway.apis.base import Api
from shared import registry
from shared.formats.intake import Intake


class Apis:
    """The APIs of one process."""

    def __init__(self, apis: Iterable[Api]) -> None:
        self._by_name = {api.name: api for api in apis}
        self._by_prefix = sorted(self._by_name.values(), key=lambda api: len(api.prefix), reverse=True)

    def of(self, intake: Intake) -> Api:
        """The API of an intake. Raises `BadExtension` if no file defines it."""
        if intake.api not in self._by_name:
            raise registry.BadExtension(f"the intake of {intake.route} names the unknown API {intake.api}")
        return self._by_name[intake.api]

    def of_path(self, path: str) -> Api:
        """The API that answers for a path without a route, and for a request that was never complete."""
        return next(api for api in self._by_prefix if path.startswith(api.prefix))


def load(extensions: Path | None = None) -> Apis:
    """The APIs of this process."""
    return Apis(registry.defined(registry.modules(gateway.apis, extensions), Api))  # type: ignore[type-abstract]
