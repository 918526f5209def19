"""Topics that can't take our messages keep gateway and writer from starting. No engine is needed to see that."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared import registry, settings
from shared.queue import open_queue
from tests.topics import topic_spec

ROOT = Path(__file__).parents[3]


def run(process: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shared.cli", process]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return subprocess.run(command, env=clean | environment, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("process", ["gateway", "writer"])
async def test_a_topic_with_too_small_messages_refuses_the_boot_with_a_sentence(process: str, tmp_path: Path) -> None:
    environment = {
        "SLUICE_QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
        "SLUICE_CLICKHOUSE_URL": "clickhouse://nobody@127.0.0.1:1/none",
        "SLUICE_GATEWAY_PORT": "0",
    }
    queue = open_queue(settings.load(environment))
    for signal in registry.load().signals.values():
        names = (signal.topic, signal.dead_letter_topic)
        await queue.create_topics([topic_spec(name, 1, max_message_bytes=500_000) for name in names])
    await queue.close()
    done = await asyncio.to_thread(run, process, environment)
    assert done.returncode == os.EX_CONFIG, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("sluice: topic '")
    assert last.endswith("set SLUICE_TOPICS_MAX_MESSAGE_BYTES=500000")
    assert "Traceback" not in done.stderr
    assert "Unclosed" not in done.stderr
