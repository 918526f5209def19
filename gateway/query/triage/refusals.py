"""Why the state of a group is not changed."""

from gateway.rejections import Rejection
from shared.error_states import MOST_STATES


class TooMany(Rejection):
    """The project may not have states of more groups."""

    status = 409
    reason = "too_many_states"
    sentence = f"The project has states of {MOST_STATES:,} error groups, the most that it may have"
