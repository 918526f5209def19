"""A Collector between a client and the gateway, through an outage of the queue (opentelemetry.md, "From a Collector").

Its build takes minutes, once on a machine: this runs where SLUICE_TEST_REQUIRE names `collector`, as in
`make soak-collector`.
"""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.bench.peer import build
from deploy.local.child import Child, Command
from deploy.local.engine import Unavailable
from deploy.local.ports import HOST, free_port
from tests.conftest import absent
from tests.faults.kinds.engines import queue_away
from tests.integration.otlp_sdk import Sdk, settings
from tests.integration.otlp_told import check
from tests.integration.stack import RunningStack, running_stack, wait_until
from tests.services import COLLECTOR, required

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "tests/fixtures/collector.yaml"
PAGE = ROOT / "deploy/docs/opentelemetry.md"
KINDS = ("GZIP", "ZSTD", "JSON")
REFUSED = "Exporting failed. Will retry"
LONGEST_S = 900


class Collector(Child):
    """The Collector of the page, and two more ways to send: `ports` has one for each of `KINDS`."""

    role = "Collector"

    def __init__(self, stack: RunningStack, folder: Path) -> None:
        super().__init__(folder / "collector.log")
        self.ports: dict[str, int] = {}
        self._environment = {name: stack.env[name] for name in ("SLUICE_URL", "SLUICE_INGEST_KEY")}
        self._page = folder / "page.yaml"
        (written,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
        self._page.write_text(written.replace("https://sluice.example.com", stack.env["SLUICE_URL"]))

    def before_try(self) -> None:
        self.ports = {kind: free_port() for kind in KINDS}

    def command(self) -> Command:
        addresses = {kind: f"{HOST}:{port}" for kind, port in self.ports.items()}
        files = [f"--config={file}" for file in (self._page, SETTINGS)]
        return Command([build.binary(), *files], env={**self._environment, **addresses})

    def answers(self) -> bool:
        return all(_answers(f"http://{HOST}:{port}/v1/logs") for port in self.ports.values())

    def refusals(self) -> int:
        """How often the gateway's 503 was told."""
        return self.log.read_text().count(REFUSED)


def _answers(url: str) -> bool:
    request = urllib.request.Request(url, b"", {"Content-Type": "application/x-protobuf"})
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    if COLLECTOR not in required():
        pytest.skip("the Collector takes minutes to build: make soak-collector")
    try:
        build.version()
    except Unavailable as error:
        absent(COLLECTOR, error)
    if not build.binary().exists():
        build.build(tmp_path_factory.mktemp("build") / "build.log")


@pytest.fixture(scope="module")
def stack(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("collector") / "var") as running:
        yield running


@pytest.mark.timeout(LONGEST_S)
def test_what_a_collector_holds_while_the_queue_is_away_is_stored_once(stack: RunningStack, tmp_path: Path) -> None:
    with Collector(stack, tmp_path) as collector:
        with queue_away(stack):
            told = []
            for kind, port in collector.ports.items():
                there = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{port}"}
                told.append(Sdk(settings(stack, f"collected-{kind}") | there).tell())
            # The logs and the spans of each of them.
            wait_until(lambda: collector.refusals() >= 2 * len(KINDS), 60, "all are told 503")
        for each in told:
            check(stack, each)
    audited = stack.sluice("audit")
    assert audited["ok"], audited
