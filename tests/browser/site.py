"""A running Sluice as its clients and its people reach it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from tests.up import Up, wait_until

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def ago(seconds: float) -> str:
    """A moment before now, as clients write times."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Site:
    """`project` is the demo project that `sluice up` makes."""

    def __init__(self, up: Up) -> None:
        self._env = up.env()
        self._printed = up.folder.with_name(f"{up.folder.name}.log")
        self.url = self._env["SLUICE_URL"]
        self.project = self._env["SLUICE_PROJECT_ID"]
        self._client = httpx.Client(base_url=self.url, timeout=60)

    def close(self) -> None:
        self._client.close()

    def page(self, path: str, **parameters: str) -> str:
        """The address of a page of the project: `page("logs", q="level:error")`."""
        asked = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
        return f"{self.url}/p/{self.project}/{path}" + (f"?{asked}" if asked else "")

    def post(self, route: str, body: Any, key: str | None = None) -> int:
        """Send a body as an SDK does; the status of the answer."""
        headers = {"Authorization": f"Bearer {key or self._env['SLUICE_INGEST_KEY']}"}
        return self._client.post(route, json=body, headers=headers).status_code

    def send_logs(self, *logs: dict[str, Any], service: str = "shop", key: str | None = None) -> None:
        """Logs of now, unless they say otherwise."""
        sent = [{"level": "info", "timestamp": ago(5), **log} for log in logs]
        assert self.post("/ingest/logs", {"service": service, "logs": sent}, key) == 200

    def send_form(self, path: str, **fields: str) -> str:
        """Send a form of a page as its browser does; the page that answers it."""
        with httpx.Client(timeout=60, cookies={each["name"]: each["value"] for each in self.cookies}) as browser:
            token = dict(re.findall(r'name="(form_token)" value="([^"]*)"', browser.get(self.page(path)).text))
            answer = browser.post(self.page(path), data=token | fields, headers=SAME_ORIGIN)
            assert answer.status_code == 200, answer.text
            return answer.text

    def read(self, path: str, **parameters: str) -> Any:
        """What the read API answers below the project: `read("logs", q="paid")`."""
        headers = {"Authorization": f"Bearer {self._env['SLUICE_READ_KEY']}"}
        answer = self._client.get(f"/api/v1/projects/{self.project}/{path}", params=parameters, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, found: Callable[[Any], Any], path: str, **parameters: str) -> None:
        """Until the read API's answer is so."""
        wait_until(lambda: bool(found(self.read(path, **parameters))))

    @cached_property
    def cookies(self) -> list[dict[str, Any]]:
        """What a browser holds that has opened the link that `sluice up` printed."""
        wait_until(lambda: "/login/link" in self._printed.read_text())
        (link,) = re.findall(r"http\S+/login/link\?token=\S+", self._printed.read_text())
        with httpx.Client(base_url=self.url, timeout=60) as browser:
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', browser.get(link).text))
            assert browser.post("/login", data=fields, headers=SAME_ORIGIN).status_code == 303
            return [{"name": each.name, "value": each.value, "url": self.url} for each in browser.cookies.jar]
