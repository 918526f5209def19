"""An error sent through a whole stack, its maps uploaded afterwards, and both read back (events.md)."""

import json
import re
import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from tests.bundles import NAMES, maps_of, stack
from tests.integration.stack import RunningStack, running_stack, wait_until

PAGE = Path(__file__).parents[5] / "deploy/docs/events.md"
BOUNDARY = "sluice-test-boundary"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("mapped") / "var") as up:
        yield up


def send_error(running: RunningStack, text: str, release: str) -> str:
    """Send an error with this stack, and wait until it can be read; its id."""
    event_id = str(uuid.uuid4())
    kind, _, message = text.partition("\n")[0].partition(": ")
    error = {"event_id": event_id, "release": release, "exception": {"type": kind, "message": message, "stack": text}}
    key = running.env["SLUICE_INGEST_KEY"]
    status, _ = running.request("POST", "/api/v1/errors", json.dumps(error).encode(), {"X-API-Key": key})
    assert status == 202
    wait_until(lambda: running.read(f"/api/v1/events/{event_id}")[0] == 200, 60, "the error in ClickHouse")
    return event_id


def upload(running: RunningStack, release: str, files: dict[str, bytes], key: str | None = None) -> None:
    parts = [b'Content-Disposition: form-data; name="release"\r\n\r\n' + release.encode()]
    for path, content in files.items():
        head = (
            f'Content-Disposition: form-data; name="files"; filename="{path}"\r\nContent-Type: application/json\r\n\r\n'
        )
        parts.append(head.encode() + content)
    body = b"".join(b"--%b\r\n%b\r\n" % (BOUNDARY.encode(), part) for part in parts) + f"--{BOUNDARY}--\r\n".encode()
    headers = {
        "Authorization": f"Bearer {key or running.env['SLUICE_INGEST_KEY']}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    status, answer = running.request("POST", "/ingest/sourcemaps", body, headers)
    assert (status, answer["count"]) == (200, len(files))


def errors(running: RunningStack, event_id: str) -> Any:
    status, event = running.read(f"/api/v1/events/{event_id}")
    assert status == 200
    return event["errors"]


def statuses(running: RunningStack, event_id: str) -> set[str]:
    return {frame["mapped"]["status"] for error in errors(running, event_id) for frame in error["frames"]}


@pytest.mark.parametrize("name", NAMES)
def test_maps_that_are_uploaded_after_an_error_map_it(running: RunningStack, name: str) -> None:
    event_id = send_error(running, stack(name), release=name)
    assert statuses(running, event_id) == {"no_map_for_release", "runtime"}
    upload(running, name, maps_of(name))
    (error,) = errors(running, event_id)
    first = error["frames"][0]
    column = 15 if name == "vite" else 11  # it leaves `new` out
    assert (first["line"], first["mapped"]["line"], first["mapped"]["column"]) == (1, 22, column)
    assert first["mapped"]["source"].endswith("src/cart.ts")
    assert statuses(running, event_id) <= {"mapped", "runtime", "no_source"}


def test_two_projects_have_maps_of_their_own(running: RunningStack) -> None:
    other = running.sluice("project", "create", "Other")
    theirs = running.sluice("key", "create", "--project", other["id"], "--scope", "ingest")["key"]
    event_id = send_error(running, stack("webpack"), release="shared")
    upload(running, "shared", maps_of("webpack"), key=theirs)
    assert statuses(running, event_id) == {"no_map_for_release", "runtime"}
    reads = running.sluice("key", "create", "--project", other["id"], "--scope", "read")["key"]
    assert running.request("GET", f"/api/v1/events/{event_id}", headers={"X-API-Key": reads})[0] == 404
    upload(running, "shared", maps_of("webpack"))
    assert "mapped" in statuses(running, event_id)


def test_a_map_that_is_replaced_and_one_that_is_removed_count_at_once(running: RunningStack) -> None:
    event_id = send_error(running, stack("webpack"), release="again")
    ((path, content),) = maps_of("webpack").items()
    upload(running, "again", {path: content.replace(b"./src/cart.ts", b"./src/cafe.ts")})
    assert errors(running, event_id)[0]["frames"][0]["mapped"]["source"].endswith("cafe.ts")
    upload(running, "again", {path: content})
    assert errors(running, event_id)[0]["frames"][0]["mapped"]["source"].endswith("cart.ts")
    bearer = {"Authorization": f"Bearer {running.env['SLUICE_INGEST_KEY']}"}
    assert running.request("DELETE", "/ingest/sourcemaps/again", headers=bearer)[0] == 200
    assert statuses(running, event_id) == {"no_map_for_release", "runtime"}


def test_a_terminal_shows_the_sources_too(running: RunningStack) -> None:
    upload(running, "terminal", maps_of("vite"))
    event_id = send_error(running, stack("vite"), release="terminal")
    _, event = running.read(f"/api/v1/events/{event_id}")
    shown = running.printed("error", event["group"], "release:terminal")
    first = event["errors"][0]["frames"][0]["mapped"]
    assert f"    at {first['function']} ({first['source']}:22:15)" in shown.splitlines()


def test_an_error_of_the_other_api_is_mapped_too(running: RunningStack) -> None:
    upload(running, "deep", maps_of("vite"))
    error = {"error_message": "price of gift is negative", "stack_trace": stack("vite"), "release": "deep"}
    key = {"Authorization": f"Bearer {running.env['SLUICE_INGEST_KEY']}"}
    assert running.request("POST", "/ingest/errors", json.dumps(error).encode(), key)[0] == 200
    sql = "SELECT event_id FROM errors WHERE release = 'deep'"
    (row,) = wait_until(lambda: running.rows(sql), 60, "the error in ClickHouse")
    assert errors(running, row["event_id"])[0]["frames"][0]["mapped"]["line"] == 22


def test_the_curl_line_of_the_docs_works(running: RunningStack) -> None:
    event_id = send_error(running, stack("vite"), release="docs")
    section = PAGE.read_text().partition("## Reading an event")[2]
    line = re.search(r"```sh\n(curl .*?)```", section, re.DOTALL)
    assert line is not None
    words = shlex.split(Template(line[1]).substitute(running.env, EVENT_ID=event_id))
    assert words[:2] == ["curl", "-sS"]
    url, header = words[2], words[words.index("-H") + 1]
    name, _, value = header.partition(": ")
    status, event = running.request("GET", url.removeprefix(running.env["SLUICE_URL"]), headers={name: value})
    assert (status, event["event_id"]) == (200, event_id)
    told = re.findall(r"^\| `(\w+)`", section.partition("## Mapped frames")[0], re.MULTILINE)
    assert set(told) - {"event_id"} < set(event)
