"""A real Prometheus, Debian's package, on a folder of its own."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.engine import Unavailable
from deploy.local.ports import free_port
from tests.integration.stack import wait_until

PROMETHEUS, PROMTOOL = "prometheus", "promtool"
RULES = Path(__file__).parents[2] / "deploy/prometheus/rules.yml"

_SETTINGS = """\
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [RULES]
scrape_configs: JOBS
"""


def require_prometheus() -> None:
    """Raises `Unavailable`."""
    if shutil.which(PROMETHEUS) is None or shutil.which(PROMTOOL) is None:
        raise Unavailable("no prometheus, or no promtool: install Debian's package `prometheus`")


def promtool(*arguments: str, text: str | None = None) -> tuple[int, str]:
    """(exit code, what it prints). `text`: its standard input."""
    done = subprocess.run(
        [PROMTOOL, *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    return done.returncode, done.stdout


class Prometheus:
    """`ask` and `rules` speak its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def ask(self, expression: str) -> list[float]:
        """The values of a question now."""
        found = self._get("query", query=expression)["result"]
        return [float(each["value"][1]) for each in found]

    def rules(self) -> dict[str, dict[str, Any]]:
        """Alert or record -> its health and state."""
        return {rule["name"]: rule for group in self._get("rules")["groups"] for rule in group["rules"]}

    def _get(self, what: str, **parameters: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}") as response:
            return json.loads(response.read())["data"]


@contextmanager
def prometheus(folder: Path, jobs: Mapping[str, int]) -> Iterator[Prometheus]:
    """It scrapes these jobs every second, at their ports, and judges the rules that ship."""
    port = free_port()
    scraped = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]} for job, at in jobs.items()]
    settings = folder / "prometheus.yml"
    settings.write_text(_SETTINGS.replace("RULES", json.dumps(str(RULES))).replace("JOBS", json.dumps(scraped)))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={settings}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        made = Prometheus(port)
        wait_until(made.answers, 60, "Prometheus")
        yield made
    finally:
        process.kill()
        process.wait()
