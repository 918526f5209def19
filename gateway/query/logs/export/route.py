"""The route of an export."""

from contextlib import ExitStack
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.language.parameter import hint_header
from gateway.query.logs.export.export import begun, parts
from gateway.query.logs.export.files import file_of
from gateway.query.logs.export.openapi import export_operation
from gateway.query.logs.export.pages import PAGE_BYTES, export_pages
from gateway.query.logs.export.query import ExportQuery, parse_export
from gateway.query.logs.export.stream import ExportResponse
from gateway.query.logs.filters import LogQuery
from gateway.query.parameters import Parameters
from gateway.query.question import PROJECT, told
from gateway.query.reader import TooBig
from gateway.query.refusals import BadQuery, issue

PATH = f"{PROJECT}/logs/export"


def export_routes(deps: QueryDeps) -> list[Described]:
    """With and without a trailing slash. It checks in this order: the key (401), its scope (403), the project (404),
    the parameters (422), whether there is room for one more export (503)."""

    async def export(request: Request) -> Response:
        key = await deps.project_key(request)
        query = parse_export(Parameters(request.query_params.multi_items()))
        return await answer_export(deps, key.project_id, query)

    return [Described(PATH + slash, deps.counted(PATH, export), {"GET": export_operation}) for slash in ("/", "")]


async def answer_export(deps: QueryDeps, project_id: str, query: ExportQuery) -> Response:
    """The file. Raises `BadQuery`, `TooManyExports`, `Unavailable`."""
    with ExitStack() as running:
        running.enter_context(deps.exports.taken(project_id))
        deps.held.admit(project_id, PAGE_BYTES)
        return await _answer(deps, project_id, query, running)


async def _answer(deps: QueryDeps, project_id: str, query: ExportQuery, running: ExitStack) -> Response:
    """The answer once its first page is made. It takes over what is `running`. Raises `BadQuery`, `Unavailable`."""
    complete = await deps.complete_of(query.asked.tables)
    asked = replace(query.asked, as_of=query.asked.as_of or complete.as_of)
    rows = LogQuery(start=asked.range.start, end=asked.range.end, q=asked.q, as_of=asked.as_of, after=query.after)
    file = file_of(query)
    try:
        pages = await begun(export_pages(deps.reader, project_id, rows, query.columns, file))
    except TooBig as error:
        message = "Value error, these logs are too large: choose fewer columns"
        raise BadQuery([issue("value_error", "columns", message, "")]) from error
    headers = {"Content-Type": file.media_type, "Content-Disposition": f'attachment; filename="{file.name}"'}
    headers |= complete.within(asked.as_of).headers | hint_header(asked.hints)
    return ExportResponse(parts(file, pages, told(asked, complete)), headers, deps.held, project_id, running.pop_all())
