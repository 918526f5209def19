"""A gateway that has had large requests is as small again soon afterwards."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, log_of
from tests.integration.stack import wait_until

KEPT_BYTES = 60_000_000


def test_memory_goes_back_after_large_requests(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    assert gateway.post(LOGS, log_of("first")).status == 200
    idle = gateway.memory("VmRSS")
    log = {"level": "info", "message": "m", "attributes": {f"k{n}": [n] * 10 for n in range(1_000)}}
    good = gzip.compress(json.dumps({"logs": [log] * 100}).encode())
    bad = gzip.compress(b'{"logs":[' + b'{"level":"\\ud800"},' * 400_000 + b"1]}", 1)

    def send(n: int) -> int:
        route, body = ((BATCH, good), (LOGS, bad))[n % 2]
        return gateway.post(route, body, content_encoding="gzip").status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(send, range(32))) <= {200, 202, 400, 413, 503}
    wait_until(lambda: gateway.memory("VmRSS") < idle + KEPT_BYTES, 40, "the memory back")
