"""Why a view is not saved, or not found."""

from gateway.rejections import NotFound, Rejection
from shared.views import MOST_VIEWS


class ViewNotFound(NotFound):
    """The project has no such view."""

    sentence = "View not found"


class NameInUse(Rejection):
    """The page has another view of this name."""

    status = 409
    reason = "name_in_use"

    def __init__(self, view_id: str) -> None:
        super().__init__(view_id)
        self.sentence = f"The page has a view of this name: choose another one, or PUT {view_id}"


class TooMany(Rejection):
    """The project may not have more views."""

    status = 409
    reason = "too_many_views"
    sentence = f"The project has {MOST_VIEWS} views, the most that it may have: delete some"
