"""The routes of alerts (alerts.md, "The API")."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.actors import key_actor
from gateway.http.counted import Endpoint
from gateway.openapi import Described
from gateway.query.alerts import change, openapi
from gateway.query.alerts.body import RuleBody
from gateway.query.alerts.openapi import ALL, ONE, TEST
from gateway.query.alerts.shapes import OneRule, RuleList, answer_of, sent_answer
from gateway.query.changing import accepted, key_of, small_answer
from gateway.query.deps import QueryDeps
from gateway.query.json_body import JsonBody, read_body
from gateway.query.postgres import known
from shared.keys import ResolvedKey

Answer = Callable[[Request, ResolvedKey], Awaitable[msgspec.Struct]]

_BODY = JsonBody(RuleBody)


def routes(deps: QueryDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it.

    Each checks in this order: the key (401), its scope (403), the project (404), the parameters and the body (422), the
    rule (404).
    """
    answers, found = _answers(deps), []
    for (path, method), operation in openapi.OF.items():
        endpoint = _endpoint(deps, (path, method), answers[path, method])
        counted = deps.counted(path, endpoint) if method == "GET" else accepted(deps, path, endpoint)
        found += [Described(path + slash, counted, {method: operation}) for slash in ("", "/")]
    return found


def _endpoint(deps: QueryDeps, of: tuple[str, str], answer: Answer) -> Endpoint:
    operation = openapi.OF[of]

    async def endpoint(request: Request) -> Response:
        key = await key_of(deps, request, operation.scope)
        return await small_answer(deps, key, await answer(request, key), operation.status)

    return endpoint


def _answers(deps: QueryDeps) -> Mapping[tuple[str, str], Answer]:
    async def list_all(request: Request, key: ResolvedKey) -> RuleList:
        rules = await known(deps.known_alerts.rules.of_project(key.project_id), change.WHAT)
        return RuleList(list(map(answer_of, rules)))

    async def show(request: Request, key: ResolvedKey) -> OneRule:
        alerts, rule_id = deps.known_alerts, _id(request)
        rule = await change.find_rule(alerts, key.project_id, rule_id)
        sent = await known(alerts.deliveries.of_rule(key.project_id, rule_id), change.WHAT)
        return OneRule(answer_of(rule), list(map(sent_answer, sent)))

    async def create(request: Request, key: ResolvedKey) -> msgspec.Struct:
        body = await _body(deps, request, key)
        return answer_of(*await change.make_rule(deps.known_alerts, key.project_id, body, key_actor(key, request)))

    async def replace(request: Request, key: ResolvedKey) -> msgspec.Struct:
        body = await _body(deps, request, key)
        rule_id, by = _id(request), key_actor(key, request)
        return answer_of(*await change.replace_rule(deps.known_alerts, key.project_id, rule_id, body, by))

    async def remove(request: Request, key: ResolvedKey) -> msgspec.Struct:
        by = key_actor(key, request)
        return answer_of(await change.remove_rule(deps.known_alerts, key.project_id, _id(request), by))

    async def test(request: Request, key: ResolvedKey) -> msgspec.Struct:
        return sent_answer(await change.try_rule(deps.known_alerts, key.project_id, _id(request)))

    changes: Mapping[tuple[str, str], Answer] = {
        (ALL, "POST"): create,
        (ONE, "PUT"): replace,
        (ONE, "DELETE"): remove,
        (TEST, "POST"): test,
    }
    return {(ALL, "GET"): list_all, (ONE, "GET"): show, **changes}


async def _body(deps: QueryDeps, request: Request, key: ResolvedKey) -> RuleBody:
    return _BODY.parse(await read_body(request, deps.bodies, key.project_id))


def _id(request: Request) -> str:
    rule_id: str = request.path_params["rule_id"]
    return rule_id
