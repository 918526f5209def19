"""What becomes of a frame: its place in the sources, or why that is not known and what to do."""

from typing import Literal

import msgspec

Status = Literal[
    "not_javascript",
    "runtime",
    "is_source",
    "no_position",
    "no_release",
    "no_map_for_release",
    "no_such_file",
    "ambiguous",
    "line_beyond",
    "no_source",
    "map_unreadable",
    "too_many_frames",
    "try_again",
    "not_installed",
]


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """A frame's place in the sources.

    `source`: the path as the map names it; `line`, `column`: from 1; `function`: '' where no name is known; the lines
    around it are '' and empty where the map holds no contents, and long ones are cut; `map`: the path of the map, below
    the build folder.
    """

    status: Literal["mapped"] = "mapped"
    function: str
    source: str
    line: int
    column: int
    in_app: bool
    context_line: str
    before: list[str]
    after: list[str]
    map: str


class Unmapped(msgspec.Struct, frozen=True):
    """Why a frame is not mapped, and what to do."""

    status: Status
    reason: str


Outcome = Mapped | Unmapped

NOT_JAVASCRIPT = Unmapped("not_javascript", "Only frames of JavaScript have source maps.")
RUNTIME = Unmapped("runtime", "The runtime's own code, or an extension's: there is nothing to map.")
IS_SOURCE = Unmapped("is_source", "The frame names the source itself: there is nothing to map.")
NO_POSITION = Unmapped("no_position", "The frame was printed without line and column.")
TOO_MANY_FRAMES = Unmapped("too_many_frames", "Only the first frames of an event are mapped.")
NO_RELEASE = Unmapped(
    "no_release",
    "The error names no release: send `release` with errors, the one that the source maps are uploaded for.",
)
NOT_INSTALLED = Unmapped(
    "not_installed", "This Sluice can't read source maps: install its extra, pip install 'sluice[sourcemaps]'."
)
STORE_AWAY = Unmapped("try_again", "The store of source maps does not answer: read the event again later.")
TOO_SLOW = Unmapped("try_again", "Reading the source maps takes too long now: read the event again later.")
NO_SOURCE = Unmapped("no_source", "The build tool made this code: the map names no source for it.")


def no_map_for_release(release: str) -> Unmapped:
    return Unmapped(
        "no_map_for_release",
        f"Release {release} has no source maps: upload them to /ingest/sourcemaps; stored events are mapped too.",
    )


def no_such_file(release: str, path: str, near: list[str]) -> Unmapped:
    known = f"; it has {', '.join(near)}" if near else ""
    return Unmapped(
        "no_such_file",
        f"Release {release} has no map for {path}{known}: upload {path}.map, or {path} too if it names another map.",
    )


def ambiguous(paths: list[str]) -> Unmapped:
    fits = ", ".join(paths)
    return Unmapped(
        "ambiguous", f"Several maps fit: {fits}. Upload them by the path that the URL has, or with debug ids."
    )


def line_beyond(path: str, line: int, lines: int) -> Unmapped:
    return Unmapped(
        "line_beyond", f"Line {line} is beyond {path}, which has {lines}: it is of another build; upload this build's."
    )


def map_unreadable(path: str, why: str) -> Unmapped:
    return Unmapped("map_unreadable", f"{path} can't be read ({why}): build and upload it again.")
