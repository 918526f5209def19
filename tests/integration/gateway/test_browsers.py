"""Browsers and what every answer carries (contracts.md, "CORS and origins", "Answer headers"), against a gateway
process."""

import json

import pytest

from tests.integration.gateway.gateway_process import BATCH, LOGS, PROJECT, Answer, GatewayProcess, log_of

PAGE = "https://app.example.com"
READS = (f"/api/v1/projects/{PROJECT}/logs", "/api/v1/events/e/logs", "/api/v1/events/e")
INGEST = (LOGS, "/ingest/errors", "/ingest/traces", "/ingest/llm", "/ingest/drain", BATCH)


def is_readable(answer: Answer, origin: str) -> bool:
    """Whether a page of this origin may read the answer and the headers it needs."""
    exposed = {name.strip() for name in answer.headers.get("access-control-expose-headers", "").split(",")}
    wanted = {"X-Request-Id", "X-Event-Id", "X-Dropped", "Link", "Retry-After"}
    wanted |= {"X-Query-Hint", "X-Searched-To", "X-Searched-Rows", "X-Complete-Up-To", "X-Complete-Reason", "X-As-Of"}
    wanted |= {"X-Shards-Missing", "X-Sluice-Spooled"}
    limits = {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Sentry-Rate-Limits",
        "X-Sentry-Error",
    }
    return (
        answer.headers.get_all("access-control-allow-origin") == [origin]  # type: ignore[attr-defined]
        and "Origin" in answer.headers["vary"]
        and exposed == wanted | limits
    )


@pytest.mark.parametrize("path", [*INGEST, *READS, f"{LOGS}/"])
def test_a_preflight_is_204_for_any_origin(gateway: GatewayProcess, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = gateway.request("OPTIONS", path, headers={"Origin": "https://anyone.example", **asked})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://anyone.example"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["access-control-max-age"] == "600"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert allowed == [
        "authorization", "content-type", "content-encoding", "x-api-key", "x-deeptracer-sdk", "idempotency-key",
    ]  # fmt: skip
    assert ("GET" if path in READS else "POST") in answer.headers["access-control-allow-methods"]


def test_a_preflight_does_not_count_against_the_rate_limit(gateway: GatewayProcess) -> None:
    bearer = {"Authorization": f"Bearer {gateway.keys.browser}", "Origin": PAGE}

    def told() -> tuple[str, int]:
        headers = gateway.request("POST", LOGS, json.dumps(log_of("m")).encode(), bearer).headers
        return headers["x-ratelimit-reset"], int(headers["x-ratelimit-remaining"])

    def one_round() -> tuple[bool, int]:
        (minute, before), answers = told(), [gateway.request("OPTIONS", LOGS, headers=bearer) for _ in range(5)]
        assert {answer.status for answer in answers} == {204}
        assert not any("x-ratelimit-remaining" in answer.headers for answer in answers)
        later, after = told()
        return later == minute, before - after

    same_minute, used = one_round()
    if not same_minute:
        same_minute, used = one_round()
    assert (same_minute, used) == (True, 1)


def test_a_preflight_of_no_route_is_404(gateway: GatewayProcess) -> None:
    assert gateway.request("OPTIONS", "/nothing", headers={"Origin": PAGE}).status == 404


@pytest.mark.parametrize(
    "origin", [PAGE, "https://a.example.org", "https://b.a.example.org", "HTTPS://APP.example.com"]
)
def test_an_origin_on_the_keys_list_passes(gateway: GatewayProcess, origin: str) -> None:
    given = {"Authorization": f"Bearer {gateway.keys.browser}", "Origin": origin}
    answer = gateway.request("POST", LOGS, json.dumps(log_of("m")).encode(), given)
    assert answer.status == 200
    assert is_readable(answer, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.org",
        "https://evilexample.org",
        "http://a.example.org",
        "https://a.example.org:8443",
        "https://evil.com/.example.org",
        "https://.example.org",
        "https://app.example.com.evil.com",
        "null",
        "",
    ],
)
def test_another_origin_is_403_and_stores_nothing(gateway: GatewayProcess, origin: str) -> None:
    before = len(gateway.stored())
    given = {"X-API-Key": gateway.keys.browser, "Origin": origin}
    answer = gateway.request("POST", LOGS, json.dumps(log_of("m")).encode(), given)
    assert (answer.status, answer.json) == (403, {"error": "Origin not allowed"})
    in_body = {**log_of("m"), "api_key": gateway.keys.browser}
    answer = gateway.request("POST", BATCH, json.dumps(in_body).encode(), {"Origin": origin})
    assert (answer.status, answer.json) == (403, {"detail": "Origin not allowed"})
    answer = gateway.request("GET", READS[0], headers=given)
    assert (answer.status, answer.json) == (403, {"detail": "Origin not allowed"})
    assert len(gateway.stored()) == before


def test_a_request_without_origin_passes_a_keys_list_and_gets_no_headers_for_browsers(gateway: GatewayProcess) -> None:
    given = {"Authorization": f"Bearer {gateway.keys.browser}"}
    answer = gateway.request("POST", LOGS, json.dumps(log_of("m")).encode(), given)
    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control") or name.lower() == "vary"]


def test_a_key_without_a_list_takes_every_origin(gateway: GatewayProcess) -> None:
    answer = gateway.post(LOGS, log_of("m"), origin="https://anyone.example")
    assert answer.status == 200
    assert is_readable(answer, "https://anyone.example")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", LOGS, 405),
        ("PUT", BATCH, 405),
        ("POST", LOGS, 400),
        ("POST", BATCH, 422),
        ("GET", READS[0], 401),
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
    ],
)
def test_every_answer_but_those_for_operators_can_be_read_by_a_browser_and_has_a_request_id(
    gateway: GatewayProcess, method: str, path: str, status: int
) -> None:
    answers = [gateway.request(method, path, headers=given) for given in ({"Origin": PAGE}, {})]
    assert [answer.status for answer in answers] == [status] * 2
    assert is_readable(answers[0], PAGE)
    assert "access-control-allow-origin" not in answers[1].headers
    ids = [answer.headers.get_all("x-request-id") for answer in answers]  # type: ignore[attr-defined]
    assert all(found is not None and len(found) == 1 for found in ids)
    assert ids[0] != ids[1]


def test_405_names_what_is_allowed(gateway: GatewayProcess) -> None:
    assert gateway.request("GET", LOGS).headers["allow"] == "POST"
    assert gateway.request("DELETE", "/health").json == {"error": "Method not allowed"}
    assert gateway.request("DELETE", BATCH).json == {"detail": "Method not allowed"}


def test_send_beacon_works(gateway: GatewayProcess) -> None:
    """`navigator.sendBeacon(url, text)` can set no header: text/plain, the key in the body."""
    body = {**log_of("beacon"), "api_key": gateway.keys.browser}
    given = {"Content-Type": "text/plain;charset=UTF-8", "Origin": PAGE}
    answer = gateway.request("POST", BATCH, json.dumps(body).encode(), given)
    assert (answer.status, answer.json) == (202, {"accepted": 1, "dropped": 0})


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_health_is_answered_with_a_slash_and_to_head_too(gateway: GatewayProcess, path: str) -> None:
    for way in (path, f"{path}/"):
        assert gateway.request("GET", way).status == 200
        answer = gateway.request("HEAD", way)
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", [LOGS, BATCH])
def test_a_trailing_slash_is_served(gateway: GatewayProcess, path: str) -> None:
    assert gateway.post(f"{path}/", log_of("m")).status in (200, 202)


ASKED = "authorization,content-type,traceparent,tracestate,baggage,sentry-trace,X-Datadog-Trace-Id"


@pytest.mark.parametrize("path", [*INGEST, f"{LOGS}/", "/ingest/drain/p", "//ingest/logs"])
def test_the_preflight_of_an_ingest_route_allows_what_the_page_asks_for(gateway: GatewayProcess, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": ASKED}
    answer = gateway.request("OPTIONS", path, headers={"Origin": PAGE, **asked})
    assert answer.status == 204
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= {name.lower() for name in ASKED.split(",")} | {"idempotency-key"}
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    "asked",
    [
        "a b",
        "x-ok, x\tnot",
        "x-ok, *()@",
        "x-ö",
        ",".join(f"x-{n}" for n in range(65)),
        "x-" + "a" * 4_096,
        "x-ok, a/b",
        "x-ok\x01",
    ],
)
def test_a_list_of_headers_that_is_none_or_too_long_is_not_echoed(gateway: GatewayProcess, asked: str) -> None:
    given = {"Origin": PAGE, "Access-Control-Request-Headers": asked.encode().decode("latin-1")}
    answer = gateway.request("OPTIONS", LOGS, headers=given)
    if answer.status == 204:  # else the connection itself refused it
        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert allowed == [
            "authorization", "content-type", "content-encoding", "x-api-key", "x-deeptracer-sdk", "idempotency-key",
        ]  # fmt: skip


def test_as_many_headers_as_a_page_may_have_are_allowed(gateway: GatewayProcess) -> None:
    names = [f"x-header-{n}" for n in range(64)]
    given = {"Origin": PAGE, "Access-Control-Request-Headers": ", ".join(names)}
    answer = gateway.request("OPTIONS", LOGS, headers=given)
    assert set(answer.headers["access-control-allow-headers"].split(", ")) >= set(names)


@pytest.mark.parametrize("path", [*READS, "/health", "/metrics"])
def test_no_other_route_takes_more_headers_or_answers_to_credentials(gateway: GatewayProcess, path: str) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": ASKED}
    for method in ("OPTIONS", "GET", "POST"):
        answer = gateway.request(method, path, headers={"Origin": PAGE, **asked})
        assert "access-control-allow-credentials" not in answer.headers
        assert "traceparent" not in answer.headers.get("access-control-allow-headers", "")


@pytest.mark.parametrize("path", INGEST)
@pytest.mark.parametrize("body", [b"", b"{", b'{"logs":[]}'])
def test_every_answer_of_an_ingest_route_may_be_read_with_credentials(
    gateway: GatewayProcess, path: str, body: bytes
) -> None:
    for key in (gateway.keys.ingest, gateway.keys.read, "none"):
        answer = gateway.request("POST", path, body, {"Origin": PAGE, "Authorization": f"Bearer {key}"})
        assert answer.headers.get_all("access-control-allow-credentials") == ["true"]  # type: ignore[attr-defined]
        assert is_readable(answer, PAGE)
    answer = gateway.request("POST", path, body, {"Authorization": f"Bearer {gateway.keys.ingest}"})
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path", ["//ingest/logs", "/ingest//logs", "///ingest///logs", "/ingest/logs//", "/ingest//logs/"]
)
def test_a_run_of_slashes_is_one_slash(gateway: GatewayProcess, path: str) -> None:
    assert gateway.post(path, log_of("m")).status == 200
    assert gateway.request("GET", path).status == 405


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api//v1/errors", 202),
        ("//api/v1//errors", 202),
        ("/api//v1/logs/batch", 422),
        ("/api/v1//nothing", 404),
        ("//", 405),  # a page, which nothing is sent to
        ("/" * 1000 + "api/v1/errors", 202),
        ("/api" + "//x" * 500, 404),
    ],
)
def test_clients_that_glue_base_and_path_reach_their_route(gateway: GatewayProcess, path: str, status: int) -> None:
    answer = gateway.post(path, {"message": "m"})
    assert answer.status == status
    if status == 404:
        assert answer.json == {"detail": "Not found"}


@pytest.mark.parametrize(
    "path", [f"//api/v1/projects/{PROJECT}/logs", f"/api/v1//projects//{PROJECT}//logs", "//health", "/health//ready"]
)
def test_other_routes_are_reached_in_the_same_way(gateway: GatewayProcess, path: str) -> None:
    answer = gateway.request("GET", path, headers={"Authorization": f"Bearer {gateway.keys.ingest}"})
    assert answer.status in (200, 403, 503)


@pytest.mark.parametrize("path", ["/", "/login", "/logout", f"/p/{PROJECT}/logs", "/static/x/app.js"])
def test_no_other_site_reads_a_page(gateway: GatewayProcess, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = gateway.request(method, path, headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"})
        assert not [name for name in answer.headers if name.lower() == "access-control-allow-origin"]
