"""Uploads as real clients send them: the page's curl lines, and Node's own forms, as the SDK for Next.js uses them."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.gateway.sourcemaps.conftest import Sender
from tests.unit.gateway.sourcemaps.forms import source_map

PAGE = Path(__file__).parents[4] / "deploy/docs/sourcemaps.md"

NODE = """
const { readdirSync, readFileSync, unlinkSync } = require("node:fs");
const maps = readdirSync(".", { recursive: true }).filter((name) => name.endsWith(".map")).sort();
(async () => {
  for (let at = 0; at < maps.length; at += 20) {
    const form = new FormData();
    form.append("release", process.env.RELEASE);
    const some = maps.slice(at, at + 20);
    for (const name of some) form.append("files", new Blob([readFileSync(name)], { type: "application/json" }), name);
    const answer = await fetch(process.env.SLUICE_URL + "/ingest/sourcemaps", {
      method: "POST",
      headers: { Authorization: "Bearer " + process.env.SLUICE_INGEST_KEY },
      body: form,
      signal: AbortSignal.timeout(10000),
    });
    console.log(answer.status, await answer.text());
    if (!answer.ok) break;
    some.forEach((name) => unlinkSync(name));
  }
})();
"""
"""As the SDK does it: 20 files a request, in a form, each named by its path; it deletes after a 2xx only."""

Run = Callable[..., str]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.map")}


def write(folder: Path, *paths: str) -> dict[str, bytes]:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(source_map(file=path))
    return files_in(folder)


@pytest.fixture
def run(shop: Sender, tmp_path: Path) -> Run:
    """Runs a program in a folder of its own, told where the gateway is and with which key."""

    def run(*command: str, **environment: str) -> str:
        told = {"SLUICE_URL": str(shop.client.base_url).rstrip("/"), "SLUICE_INGEST_KEY": shop.key}
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | told | environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_the_curl_lines_of_the_page_do_what_it_says(shop: Sender, run: Run, tmp_path: Path) -> None:
    upload, remove = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    sent = write(tmp_path, "static/chunks/app/page-9f8e.js.map", "server/app/page.js.map")
    answer = '{"ok":true,"release":"1.4.2","count":2}'
    assert await asyncio.to_thread(run, "bash", "-c", upload) == answer
    assert answer in PAGE.read_text()
    for path, content in sent.items():
        assert await shop.content("1.4.2", path) == content
    assert await asyncio.to_thread(run, "bash", "-c", remove) == answer
    assert not await shop.index.has_release(shop.project_id, "1.4.2")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
async def test_what_nodes_forms_send_is_stored_and_may_be_deleted(shop: Sender, run: Run, tmp_path: Path) -> None:
    chunks = (f"static/chunks/{n}-9f8e.js.map" for n in range(40))
    odd = ("server/app/[slug]/(shop)/@modal/page.js.map", 'server/"quoted" ü.js.map', "server/pages/_app.js.map")
    sent = write(tmp_path, *chunks, *odd)
    said = await asyncio.to_thread(run, "node", "-e", NODE, RELEASE="web@1.4.2")
    counts = [json.loads(line.partition(" ")[2])["count"] for line in said.splitlines()]
    assert counts == [20, 20, 3]
    assert files_in(tmp_path) == {}
    for path, content in sent.items():
        assert await shop.content("web@1.4.2", path.replace('"', "%22")) == content


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
async def test_what_is_refused_stays_with_the_client(shop: Sender, run: Run, tmp_path: Path) -> None:
    sent = write(tmp_path, *(f"{n}.js.map" for n in range(20, 60)))
    (tmp_path / "45.js.map").write_bytes(b"<html>")
    said = await asyncio.to_thread(run, "node", "-e", NODE, RELEASE="2.0")
    assert [line.split()[0] for line in said.splitlines()] == ["200", "400"]
    assert set(files_in(tmp_path)) == {f"{n}.js.map" for n in range(40, 60)}
    assert await shop.content("2.0", "20.js.map") == sent["20.js.map"]
    assert await shop.content("2.0", "40.js.map") is None
