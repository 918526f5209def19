"""A JSON object as a tree of limited size: what is shown of nested values, and what searches for them
(pages.md, "Logs")."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.query.pages.by_path import MAX_DEPTH, MAX_PATH

MAX_NODES = 300

Links = Callable[[str, str], Mapping[str, str]]
"""The links of a scalar, by its dotted path and the text that finds it."""


class Branch(NamedTuple):
    """A name and its value: `text`, its JSON or its lines, or what is `inside`, of which there is at least one. `path`:
    '' where no path leads to it."""

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

    def branches(self, found: Mapping[str, Any], within: str | None = "", depth: int = 0) -> list[Branch]:
        """`within`: the path of the object, with its dot; None where no path leads into it."""
        made: list[Branch] = []
        for name, value in found.items():
            if not self._left:
                self.cut = True
                break
            self._left -= 1
            made.append(self._branch(name, value, _path(within, name), depth))
        return made

    def _branch(self, name: str, value: Any, path: str | None, depth: int) -> Branch:
        if depth < MAX_DEPTH and isinstance(value, dict) and value:
            inside = self.branches(value, None if path is None else f"{path}.", depth + 1)
            return Branch(name, "", {}, path or "", inside)
        if depth < MAX_DEPTH and isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
            return Branch(name, "", {}, "", self._items(value, depth))
        sought = _sought(value)
        links = self._links(path, sought) if self._links and sought and path is not None else {}
        return Branch(name, _text(value), links, path if path is not None and links else "")

    def _items(self, value: Sequence[Any], depth: int) -> list[Branch]:
        """Of an array. No path leads into it, so nothing searches for what it holds."""
        return self.branches({str(n): each for n, each in enumerate(value)}, None, depth + 1)


def _path(within: str | None, name: str) -> str | None:
    return None if within is None or len(within) + len(name) > MAX_PATH else within + name


def _text(value: Any) -> str:
    """A stack is read as lines."""
    return value if isinstance(value, str) and "\n" in value else json.dumps(value, ensure_ascii=False)


def _sought(value: Any) -> str:
    """The text that finds a scalar; '' for what no term finds."""
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, dict | list) else json.dumps(value)
