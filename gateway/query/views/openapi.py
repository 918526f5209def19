"""The routes of saved views in OpenAPI's words."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from gateway.query.operation import Operation
from gateway.query.question import PROJECT
from gateway.query.views.refusals import NameInUse, TooMany, ViewNotFound
from gateway.query.views.shapes import ViewAnswer, ViewBody, ViewList

_BAD = (b"{", b'{"page":"logs","name":"","state":"q=a b","more":1}')

_taken = NameInUse("view_0123456789abcdef")
_all, _one = f"{PROJECT}/views", f"{PROJECT}/views/{{view_id}}"
_saving = partial(Operation, scope="triage", answer=ViewAnswer, body=ViewBody, bad=_BAD)

OF: Final[Mapping[tuple[str, str], Operation]] = {
    (_all, "GET"): Operation("views", "The saved views of a project", "read", ViewList),
    (_all, "POST"): _saving("create_view", "Save a view", refused=(_taken, TooMany()), status=201),
    (_one, "GET"): Operation("view", "A saved view", "read", ViewAnswer, [ViewNotFound()]),
    (_one, "PUT"): _saving(
        "replace_view", "Save something else under the id of a view", refused=(ViewNotFound(), _taken)
    ),
    (_one, "DELETE"): Operation(
        "delete_view", "Delete a view; answers what it was", "triage", ViewAnswer, [ViewNotFound()]
    ),
}
