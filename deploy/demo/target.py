"""Which gateway and project the demo is sent to, and whether the project is still empty."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import msgspec

from deploy.demo.records import Keys
from deploy.demo.sender import NotTaken
from shared.commands.common import environment_beside

_WITHIN_S = 30.0
_NAMES = ("SLUICE_URL", "SLUICE_PROJECT_ID", "SLUICE_INGEST_KEY", "SLUICE_PUBLIC_KEY", "SLUICE_READ_KEY")

UNCHECKED = "demo"
"""Signs a drain's deliveries where no secret is named: a project without one asks for none."""


class _Usage(msgspec.Struct):
    total: dict[str, int]


class Target(msgspec.Struct, frozen=True):
    url: str
    project_id: str
    keys: Keys

    @classmethod
    def beside(cls, data_dir: Path) -> "Target":
        """That of the environment, and for what it doesn't name of the stack on the folder. Raises `NotTaken`."""
        return cls.of(environment_beside(data_dir), data_dir)

    @classmethod
    def of(cls, given: Mapping[str, str], data_dir: Path) -> "Target":
        if missing := [name for name in _NAMES if not given.get(name)]:
            raise NotTaken(f"no stack runs on {data_dir} (sluice up starts one), and {', '.join(missing)} are not set")
        url, project_id, ingest, public, read = (given[name] for name in _NAMES)
        return cls(url, project_id, Keys(ingest, public, read, given.get("SLUICE_DRAIN_SECRET") or UNCHECKED))

    def stored(self) -> int:
        """How many records the project has stored in the last 400 days. Raises `NotTaken`."""
        path = f"/api/v1/projects/{self.project_id}/usage?bucket=day&last=399d"
        asked = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.keys.read}"})  # noqa: S310 - an http(s) address of ours
        try:
            with urllib.request.urlopen(asked, timeout=_WITHIN_S) as answer:  # noqa: S310 - as above
                return sum(msgspec.json.decode(answer.read(), type=_Usage).total.values())
        except urllib.error.HTTPError as error:
            raise NotTaken(f"whether {self.project_id} is empty can't be asked: {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            raise NotTaken(f"no gateway answers on {self.url} ({error}): start one with sluice up") from error
