"""Vercel drains against `sluice up`: from the delivery to the rows (contracts.md, "Drain")."""

import gzip
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from shared.users import create_user, grant, make_link
from tests.integration.stack import RunningStack, running_stack, wait_until

CAPTURES = [json.loads(path.read_text()) for path in sorted(Path(__file__).parents[3].glob("fixtures/vercel/*.json"))]
FALLBACK = "code-of-the-setting"
SECRET = "drain_secret_for_tests_0123456789ab"


@dataclass(frozen=True)
class Sender:
    """A project of its own and its key."""

    stack: RunningStack
    project_id: str
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def post(self, body: bytes, path: str = "/ingest/drain", **headers: str) -> httpx.Response:
        return ask(self.stack, "POST", path, body, self.bearer | {k.replace("_", "-"): v for k, v in headers.items()})

    def rows(self, n: int, columns: str = "*") -> list[dict[str, Any]]:
        """The rows of the project, as soon as there are `n`."""
        sql = f"SELECT {columns} FROM logs WHERE project_id = '{self.project_id}' ORDER BY _partition, _offset, _index"
        return wait_until(lambda: rows if len(rows := self.stack.rows(sql)) >= n else None, 60, f"{n} rows")


def ask(stack: RunningStack, method: str, path: str, body: bytes = b"", headers: Any = None) -> httpx.Response:
    return httpx.request(method, stack.env["SLUICE_URL"] + path, content=body, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    environment = {"SLUICE_VERCEL_VERIFY": FALLBACK}
    with running_stack(tmp_path_factory.mktemp("drains") / "var", environment=environment) as running:
        yield running


@pytest.fixture
def sender(stack: RunningStack) -> Callable[..., Sender]:
    def make(**rules: Any) -> Sender:
        key, project_id = generate("dt"), f"prj_{generate('dt')[3:9]}"
        with connect(stack.env["SLUICE_POSTGRES_URL"]) as db:
            create_project(db, Project(id=project_id, name="p", **rules))
            create_key(db, project_id, key, scopes=["ingest"])
        return Sender(stack, project_id, key)

    return make


def test_a_delivery_becomes_rows_of_the_logs_table(sender: Callable[..., Sender]) -> None:
    project = sender()
    answer = project.post(json.dumps([*CAPTURES, 5]).encode())
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "count": len(CAPTURES)})
    rows = project.rows(len(CAPTURES))
    assert [row["service"] for row in rows] == ["my-app", "example", "my-app-abc123.vercel.app", "example"]
    assert {(row["format"], row["_topic"]) for row in rows} == {("vercel.drain", "drain")}
    assert rows[2]["trace_id"] == "1b02cd14bb8642fd092bc23f54c7ffcd"
    assert rows[3]["message"] == "GET /_next/static/media/x-s.p.woff2 200"


@pytest.mark.parametrize("path", ["/ingest/drain", "/ingest/drain/", "/ingest/drain/{}", "/ingest/drain/{}/"])
def test_lines_are_taken_on_every_path(sender: Callable[..., Sender], path: str) -> None:
    project = sender()
    body = "\n".join(map(json.dumps, CAPTURES)).encode()
    assert project.post(body, path.format(project.project_id)).json() == {"ok": True, "count": len(CAPTURES)}
    assert len(project.rows(len(CAPTURES))) == len(CAPTURES)


def test_a_path_of_another_project_is_404_and_nothing_is_stored(sender: Callable[..., Sender]) -> None:
    project, other = sender(), sender()
    for path in (f"/ingest/drain/{other.project_id}", "/ingest/drain/no-such-project"):
        answer = project.post(b'{"message":"astray"}', path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert project.post(b'{"message":"home"}').status_code == 200
    assert [row["message"] for row in project.rows(1)] == ["home"]


def test_a_path_alone_lets_nobody_in(stack: RunningStack, sender: Callable[..., Sender]) -> None:
    answer = ask(stack, "POST", f"/ingest/drain/{sender().project_id}", b'{"message":"x"}')
    assert (answer.status_code, answer.json()) == (401, {"error": "Missing or invalid API key"})


def test_a_project_with_a_secret_takes_only_what_is_signed(sender: Callable[..., Sender]) -> None:
    project = sender(drain_secret=SECRET)
    body = b'[{"message":"signed"}]'
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    for wrong in ({}, {"x_vercel_signature": "0" * 40}):
        refused = project.post(body, **wrong)
        assert refused.status_code == 403
        assert refused.text == '{"code":"invalid_signature","error":"signature didn\'t match"}'
    assert project.post(body + b" ", x_vercel_signature=signature).status_code == 403
    assert project.post(body, x_vercel_signature=signature).json() == {"ok": True, "count": 1}
    assert [row["message"] for row in project.rows(1)] == ["signed"]


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("HEAD", b""), ("POST", b""), ("POST", b"{}")])
class TestHandshake:
    def code(self, answer: httpx.Response) -> str | None:
        assert answer.status_code == 200
        return answer.headers.get("x-vercel-verify")

    def test_the_projects_code_is_answered_where_the_key_or_the_path_names_it(
        self, sender: Callable[..., Sender], method: str, body: bytes
    ) -> None:
        project = sender(drain_verify="mine", drain_secret=SECRET)
        inbound = {"x-vercel-verify": "inbound"}
        by_path = ask(project.stack, method, f"/ingest/drain/{project.project_id}", body, inbound)
        by_key = ask(project.stack, method, "/ingest/drain", body, inbound | project.bearer)
        assert (self.code(by_path), self.code(by_key)) == ("mine", "mine")

    def test_else_the_inbound_one_else_the_setting(
        self, stack: RunningStack, sender: Callable[..., Sender], method: str, body: bytes
    ) -> None:
        inbound, unknown = {"x-vercel-verify": "inbound"}, {"Authorization": "Bearer dt_unknown"}
        assert self.code(ask(stack, method, "/ingest/drain/", body, inbound | sender().bearer)) == "inbound"
        assert self.code(ask(stack, method, "/ingest/drain/nobody", body, inbound | unknown)) == "inbound"
        assert self.code(ask(stack, method, "/ingest/drain", body)) == FALLBACK


def test_an_empty_array_is_no_handshake(stack: RunningStack, sender: Callable[..., Sender]) -> None:
    assert ask(stack, "POST", "/ingest/drain", b"[]").status_code == 401
    answer = sender(drain_verify="mine").post(b"[]")
    assert (answer.json(), "x-vercel-verify" in answer.headers) == ({"ok": True, "count": 0}, False)


def test_a_repeated_delivery_is_answered_and_stored_once(sender: Callable[..., Sender]) -> None:
    project, other = sender(), sender()
    body = b'[{"message":"once"},{"message":"twice"}]'
    answers = [project.post(body, path) for path in ("/ingest/drain", f"/ingest/drain/{project.project_id}")]
    assert [answer.json() for answer in answers] == [{"ok": True, "count": 2}] * 2
    assert other.post(body).json() == {"ok": True, "count": 2}
    assert project.post(b'[{"message":"last"}]').status_code == 200
    wait_until(lambda: any(row["message"] == "last" for row in project.rows(1)), 60, "the last one")
    assert sorted(row["message"] for row in project.rows(3)) == ["last", "once", "twice"]
    assert len(other.rows(2)) == 2


@pytest.mark.parametrize("of_wire", [True, False])
def test_a_packed_delivery_may_be_signed_packed_or_not(sender: Callable[..., Sender], of_wire: bool) -> None:
    project = sender(drain_secret=SECRET)
    body = json.dumps(CAPTURES).encode()
    wire = gzip.compress(body)
    signature = hmac.new(SECRET.encode(), wire if of_wire else body, hashlib.sha1).hexdigest()
    packed = {"content_encoding": "gzip"}
    assert project.post(wire, **packed).status_code == 403
    assert project.post(wire, x_vercel_signature=signature, **packed).json() == {"ok": True, "count": len(CAPTURES)}
    project.rows(len(CAPTURES))


def test_a_packed_empty_object_asks_for_the_handshake_too(sender: Callable[..., Sender]) -> None:
    answer = sender(drain_verify="mine").post(gzip.compress(b"{}"), content_encoding="gzip")
    assert (answer.status_code, answer.headers["x-vercel-verify"]) == (200, "mine")


def test_what_is_no_json_is_400_and_other_methods_405(stack: RunningStack, sender: Callable[..., Sender]) -> None:
    answer = sender().post(b"hello")
    assert (answer.status_code, answer.json()) == (400, {"error": "Malformed JSON in request body"})
    assert ask(stack, "PUT", "/ingest/drain", b"{}").status_code == 405


def test_a_key_in_the_body_is_good_and_is_not_stored(stack: RunningStack, sender: Callable[..., Sender]) -> None:
    project = sender()
    body = json.dumps({"api_key": project.key, "message": "mine", "source": "build"}).encode()
    assert ask(stack, "POST", "/ingest/drain", body).status_code == 200
    [row] = project.rows(1)
    assert json.loads(row["attributes"]) == {"source": "build"}


def test_a_secret_that_an_owner_sets_on_the_page_counts_at_once(
    stack: RunningStack, sender: Callable[..., Sender]
) -> None:
    project, body = sender(), b'[{"message":"by hand"}]'
    with connect(stack.env["SLUICE_POSTGRES_URL"]) as db:
        create_user(db, project.project_id, None)
        grant(db, project.project_id, project.project_id, "owner")
        link = make_link(db, project.project_id)
    assert project.post(body).status_code == 200
    with httpx.Client(base_url=stack.env["SLUICE_URL"], timeout=20, headers={"Sec-Fetch-Site": "same-origin"}) as owner:
        fields = re.findall(r'name="(\w+)" value="([^"]*)"', owner.get(f"/login/link?token={link}").text)
        assert owner.post("/login", data=dict(fields)).status_code == 303
        path = f"/p/{project.project_id}/settings/drain"
        (token, *_) = re.findall(r'name="form_token" value="([^"]*)"', owner.get(path).text)
        assert owner.post(path, data={"form_token": token, "do": "secret", "secret": SECRET}).status_code == 200
        assert owner.post(path, data={"form_token": token, "do": "verify", "verify": "ours"}).status_code == 200
    wait_until(lambda: project.post(body).status_code == 403, 30, "unsigned deliveries are refused")
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    assert project.post(body, x_vercel_signature=signature).status_code == 200
    answer = ask(stack, "GET", "/ingest/drain", headers=project.bearer)
    assert (answer.status_code, answer.headers["x-vercel-verify"]) == (200, "ours")
