"""The routes that change states of error groups, in OpenAPI's words."""

from gateway.query.operation import Operation
from gateway.query.refusals import GroupNotFound
from gateway.query.triage.body import StateBody, StatesBody
from gateway.query.triage.refusals import TooMany
from gateway.query.triage.shapes import ChangedGroup, ChangedGroups

_REFUSED = (GroupNotFound(), TooMany())

ONE = Operation(
    "change_error_group",
    "Resolve, mute, open or assign a group of errors",
    "triage",
    ChangedGroup,
    _REFUSED,
    StateBody,
    [b"{", b'{"status":"done"}'],
)
MANY = Operation(
    "change_error_groups",
    "Change several groups of errors, all of them or none",
    "triage",
    ChangedGroups,
    _REFUSED,
    StatesBody,
    [b"{", b'{"fingerprints":[]}'],
)
