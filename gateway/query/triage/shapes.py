"""States as answers have them."""

import msgspec

from shared.error_states import State


class ChangedGroup(msgspec.Struct, frozen=True):
    """`fingerprint`: that the group goes by."""

    fingerprint: str
    state: State


class ChangedGroups(msgspec.Struct, frozen=True):
    groups: list[ChangedGroup]
