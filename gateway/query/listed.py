"""The parameters of a route in OpenAPI's words, listed by the function that reads them from a request."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.openapi import Json
from gateway.query.parameters import D, Parameters, W


class ListedParameters(Parameters):
    """Parameters of no request. What is asked of them is appended to `found`.

    `meanings`: name of a parameter -> its description.
    """

    def __init__(self, meanings: Mapping[str, str]) -> None:
        super().__init__(())
        self.found: list[Json] = []
        self._meanings = meanings

    def in_path(self, name: str) -> str:
        return ""  # the document lists them once for all methods of a path

    def text(self, name: str, *, most: int | None = None) -> str | None:
        self._add(name, {"type": "string"} | ({"maxLength": most} if most is not None else {}))
        return None

    def words(
        self, name: str, allowed: Iterable[str], same: Callable[[str], str] = str, prefix: str | None = None
    ) -> list[str]:
        word: Json = {"enum": list(allowed)}
        if prefix is not None:
            word = {"anyOf": [word, {"type": "string", "pattern": f"^{re.escape(prefix)}."}]}
        self._add(name, {"type": "array", "items": word}, style="form", explode=False)
        return []

    def choice(self, name: str, allowed: Iterable[W], default: W) -> W:
        self._add(name, {"enum": list(allowed), "default": default})
        return default

    def integer(self, name: str, default: D, *, least: int, most: int) -> int | D:
        usual: Json = {} if default is None else {"default": default}
        self._add(name, {"type": "integer", "minimum": least, "maximum": most} | usual)
        return default

    def parsed(self, name: str, parse: Callable[[str], Any], kind: str, should_be: str) -> Any:
        moment = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
        self._add(name, moment if kind.startswith("datetime") else {"type": "string"})

    def with_prefix(self, prefix: str) -> list[tuple[str, str]]:
        names = {"pattern": f"^{re.escape(prefix)}."}
        schema = {"type": "object", "propertyNames": names, "additionalProperties": {"type": "string"}}
        self._add(prefix, schema, style="form", explode=True)
        return []

    def _add(self, name: str, schema: Json, **more: Any) -> None:
        self.found.append({"name": name, "in": "query", "description": self._meanings[name], "schema": schema, **more})
