"""The demo project of a local stack, and its keys."""

import json
from pathlib import Path

import msgspec

from deploy.local.child import DidNotStart
from deploy.local.folder import write_whole
from shared.clients.postgres import PostgresUnavailable, connect
from shared.keys import Scope, create_key, generate
from shared.projects import Project, create_project
from shared.signals.base import RETENTION_DAYS
from shared.users import create_user, grant, login_link, make_link

DEMO_PROJECT = "demo"
DEMO_USER = "demo"


class DemoKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of the project that `sluice up` makes."""

    project_id: str
    ingest_key: str
    public_key: str
    read_key: str


def demo_variables(postgres_url: str, keys_file: Path) -> dict[str, str]:
    """The demo project's id and keys as `var/env` names them; made at the first call, the same ever after.

    Raises `DidNotStart`.
    """
    try:
        keys = ensure_demo(postgres_url, keys_file)
    except (PostgresUnavailable, ValueError) as error:
        raise DidNotStart(f"the demo project could not be made: {error}") from error
    return {
        "SLUICE_PROJECT_ID": keys.project_id,
        "SLUICE_INGEST_KEY": keys.ingest_key,
        "SLUICE_PUBLIC_KEY": keys.public_key,
        "SLUICE_READ_KEY": keys.read_key,
    }


def ensure_demo(postgres_url: str, keys_file: Path) -> DemoKeys:
    """The demo project and its keys, made where they are missing: they stay the same as long as the file (0600) does.

    The project keeps rows for ten years, its keys have no rate limit. Raises `PostgresUnavailable`, and ValueError for
    a file that can't be read.
    """
    keys = _kept(keys_file) or _keep(keys_file)
    wanted: tuple[tuple[str, Scope, str], ...] = (
        (keys.ingest_key, "ingest", "demo server"),
        (keys.public_key, "ingest", "demo browser"),
        (keys.read_key, "read", "demo reader"),
    )
    with connect(postgres_url) as db:
        create_project(db, Project(id=keys.project_id, name="Demo", retention_days=max(RETENTION_DAYS)))
        for key, scope, name in wanted:
            create_key(db, keys.project_id, key, scopes=[scope], name=name, ingest_limit=0, read_limit=0)
    return keys


def demo_link(postgres_url: str, url: str) -> str:
    """A link that logs the demo project's owner in, once. The user has no password. Raises `DidNotStart`."""
    try:
        with connect(postgres_url) as db:
            create_user(db, DEMO_USER, None)
            grant(db, DEMO_USER, DEMO_PROJECT, "owner")
            return login_link(url, make_link(db, DEMO_USER))
    except PostgresUnavailable as error:
        raise DidNotStart(f"the demo user could not be made: {error}") from error


def _kept(file: Path) -> DemoKeys | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=DemoKeys)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ValueError(f"{file} doesn't hold demo keys ({error}): remove it, and new ones are made") from error


def _keep(file: Path) -> DemoKeys:
    keys = DemoKeys(
        project_id=DEMO_PROJECT, ingest_key=generate("dt"), public_key=generate("pk"), read_key=generate("dt")
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(msgspec.structs.asdict(keys), indent=2))
    return keys
