"""Views as requests and answers have them."""

from typing import Annotated, Literal

import msgspec

from gateway.query.shape import Time
from gateway.query.times import format_time
from shared.views import Shown, View

Page = Literal["logs", "logs/patterns", "logs/changes", "logs/compare", "errors", "traces", "llm"]

_NAME = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$(?!\n)"
"""One line, without space at its ends."""

_STATE = r"^[!$-;=?-~]*$(?!\n)"
"""What browsers put behind the `?` of an address: ASCII without space, `"`, `#`, `<` and `>`."""

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, pattern=_NAME, description="Unique among the page's views.")
]
State = Annotated[
    str,
    msgspec.Meta(
        max_length=8192,
        pattern=_STATE,
        description="What stands in the page's address behind the `?`: query, range, columns, sort.",
    ),
]


class ViewBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to save."""

    page: Page
    name: Name
    state: State

    @property
    def shown(self) -> Shown:
        return Shown(self.page, self.name, self.state)


class Author(msgspec.Struct, frozen=True):
    """The key that was used, or the user who saved it on a page, and its name."""

    key_id: str
    name: str | None


class ViewAnswer(msgspec.Struct, frozen=True):
    """A saved view."""

    id: str
    page: str
    name: str
    state: str
    created_by: Author
    created_at: Time
    updated_at: Time


class ViewList(msgspec.Struct, frozen=True):
    """The views of a project, by page and name."""

    views: list[ViewAnswer]


def answer_of(view: View) -> ViewAnswer:
    shown, author = view.shown, Author(view.created_by, view.created_by_name or None)
    times = format_time(view.created_at), format_time(view.updated_at)
    return ViewAnswer(view.id, shown.page, shown.name, shown.state, author, *times)
