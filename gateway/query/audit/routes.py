"""The route of the audit log (reading.md, "Audit log")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.openapi import Described
from gateway.query.audit.entries import MEANINGS, AuditPage, find_audit, parse_wanted
from gateway.query.changing import small_answer
from gateway.query.deps import QueryDeps
from gateway.query.listing import link_to
from gateway.query.operation import Asks, Operation
from gateway.query.parameters import Parameters
from gateway.query.question import PROJECT

PATH = f"{PROJECT}/audit"

_ASKS = Asks(parse_wanted, MEANINGS, is_paged=True)
_AUDIT = Operation("audit", "Who changed what", "operate", AuditPage, asks=_ASKS)


def routes(deps: QueryDeps) -> list[Described]:
    """The route, with and without a trailing slash. It raises `Rejection`; `build_app` answers it.

    It checks in this order: the key (401), its scope (403), the project (404), the parameters (422).
    """

    async def audit(request: Request) -> Response:
        key = await deps.project_key(request, "operate")
        wanted = parse_wanted(Parameters(request.query_params.multi_items()))
        page = await find_audit(deps, key.project_id, wanted)
        links = {"Link": link_to(request, "next", {"cursor": page.next})} if page.next else {}
        return await small_answer(deps, key, page, headers=links)

    return [Described(PATH + slash, deps.counted(PATH, audit), {"GET": _AUDIT}) for slash in ("", "/")]
