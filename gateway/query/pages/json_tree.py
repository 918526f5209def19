"""A JSON object as a tree of limited size: what is shown of nested values, and what searches for them
(pages.md, "Logs")."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

MAX_NODES = 300
MAX_DEPTH = 20

Links = Callable[[str, str], Mapping[str, str]]
"""The links of a scalar, by its dotted path and the text that finds it."""


class Branch(NamedTuple):
    """A name and its value: `text`, its JSON, or what is `inside`, of which there is at least one. `path`: '' where no
    path leads to it."""

    name: str
    text: str
    links: Mapping[str, str]
    path: str = ""
    inside: Sequence["Branch"] = ()


class JsonTree:
    """Counts its nodes, over all that it makes. `cut`: something was left out."""

    def __init__(self, links: Links | None = None) -> None:
        self.cut = False
        self._links = links
        self._left = MAX_NODES

    def branches(self, found: Mapping[str, Any], path: str = "", depth: int = 0) -> list[Branch]:
        made: list[Branch] = []
        for name, value in found.items():
            if not self._left:
                self.cut = True
                break
            self._left -= 1
            made.append(self._branch(name, value, f"{path}{name}", depth))
        return made

    def _branch(self, name: str, value: Any, path: str, depth: int) -> Branch:
        if depth < MAX_DEPTH and isinstance(value, dict) and value:
            return Branch(name, "", {}, path, self.branches(value, f"{path}.", depth + 1))
        if depth < MAX_DEPTH and isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
            return Branch(name, "", {}, "", self._items(value, depth))
        sought = _sought(value)
        links = self._links(path, sought) if self._links and sought else {}
        return Branch(name, json.dumps(value, ensure_ascii=False), links, path if links else "")

    def _items(self, value: Sequence[Any], depth: int) -> list[Branch]:
        """Of an array. No path leads into it, so nothing searches for what it holds."""
        links, self._links = self._links, None
        try:
            return self.branches({str(n): each for n, each in enumerate(value)}, "", depth + 1)
        finally:
            self._links = links


def _sought(value: Any) -> str:
    """The text that finds a scalar; '' for what no term finds."""
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, dict | list) else json.dumps(value)
