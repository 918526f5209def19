"""Clients of OpenTelemetry as they are, configured as their users are told (opentelemetry.md, "From a program").

What each tells is stored field by field, and once.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.integration.otlp_sdk import BEARER, X_API_KEY, Sdk, settings
from tests.integration.otlp_told import Told, check
from tests.integration.stack import RunningStack, running_stack
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOLD_WITHIN_S = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("clients") / "var") as running:
        yield running


@pytest.fixture(scope="module")
def programs(npm_folder: Callable[[str], Path]) -> Path:
    """Those in JavaScript, each beside the client that it needs."""
    return npm_folder("otlp_clients")


def told_by(program: Path, environment: dict[str, str]) -> Told:
    """The account that a program prints; it complains of nothing."""
    done = subprocess.run(
        ["node", program], env={**os.environ, **environment}, capture_output=True, timeout=TOLD_WITHIN_S, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    told: Told = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(("headers", "compression"), [(X_API_KEY, "none"), (X_API_KEY, "gzip"), (BEARER, "deflate")])
def test_the_sdk_of_python(stack: RunningStack, headers: str, compression: str) -> None:
    sdk = Sdk(settings(stack, f"python-{compression}", headers, COMPRESSION=compression))
    check(stack, sdk.tell())


@pytest.mark.parametrize(
    ("headers", "protocol", "compression"),
    [
        (X_API_KEY, "json", "none"),
        (BEARER, "json", "gzip"),
        (X_API_KEY, "protobuf", "none"),
        (BEARER, "protobuf", "gzip"),
    ],
)
def test_the_sdk_of_node(stack: RunningStack, programs: Path, headers: str, protocol: str, compression: str) -> None:
    named = settings(
        stack, f"node-{protocol}-{compression}", headers, PROTOCOL=f"http/{protocol}", COMPRESSION=compression
    )
    check(stack, told_by(programs / "node.js", named))


@pytest.mark.parametrize(("headers", "protocol"), [(X_API_KEY, "json"), (BEARER, "protobuf")])
def test_vercel_otel(stack: RunningStack, programs: Path, headers: str, protocol: str) -> None:
    named = settings(stack, f"vercel-{protocol}", headers, PROTOCOL=f"http/{protocol}")
    told = told_by(programs / "vercel.js", named)
    if protocol == "protobuf":
        told["spans"][2]["attributes"]["huge"] = 0  # its own encoder has no word for whole numbers over 2**63
    check(stack, told)


def test_the_web_sdk_in_a_page_of_another_origin(stack: RunningStack, programs: Path, chromium: "Browser") -> None:
    bundle = ["npx", "esbuild", "page.js", "--bundle", "--outfile=page.bundle.js", "--log-level=warning"]
    subprocess.run(bundle, cwd=programs, check=True, timeout=TOLD_WITHIN_S)
    page = chromium.new_page()
    answers = []
    page.on("response", lambda answer: answers.append((urlsplit(answer.url).path, answer.status)))
    with served(programs) as origin:
        page.goto(f"{origin}/page.html")
        ingest = ("--project", stack.env["SLUICE_PROJECT_ID"], "--kind", "pk", "--origin", origin)
        key = stack.sluice("key", "create", *ingest)["key"]
        told = page.evaluate("([url, key]) => send(url, key, 'page')", [stack.env["SLUICE_URL"], key])
    page.close()
    assert sorted(answers)[-2:] == [("/v1/logs", 200), ("/v1/traces", 200)]
    check(stack, told)


def test_each_record_was_stored_once(stack: RunningStack) -> None:
    told = stack.sluice("audit")
    assert told["ok"], told
