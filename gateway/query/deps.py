"""What the read API is built of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from gateway.http.body import Bodies
from gateway.http.counted import Endpoint, counted
from gateway.mapping.mapper import Mapper
from gateway.query.alerting import AlertDeps
from gateway.query.answer import Held
from gateway.query.complete import Complete
from gateway.query.counting import Counting
from gateway.query.exports import Slots
from gateway.query.groups import Groups
from gateway.query.observing.delivery import Delivery
from gateway.query.people import People
from gateway.query.presence import while_connected
from gateway.query.reader import Reader
from gateway.query.refusals import ProjectNotFound
from gateway.query.settings import SettingsDeps
from gateway.query.tails import Tails
from gateway.query.together import together
from gateway.query.turns import turns
from gateway.turns import Turns
from shared.audit_log import AuditLog
from shared.error_states import States
from shared.keys import ResolvedKey, Scope
from shared.metrics import Metrics
from shared.views import Views

Authenticate = Callable[[Request, Scope], Awaitable[ResolvedKey]]
"""The key of a request, which has the scope. Raises `Unauthenticated`, `LacksScope`, `Unavailable`, or any other
refusal that comes before the parameters are read."""

AskComplete = Callable[[str], Awaitable[Complete]]
"""How far the table of this name is complete. To be asked before the table is."""


async def unknown(table: str) -> Complete:
    """Of a process that knows no queue."""
    return Complete(reason="this process does not ask the queue")


async def complete_of(ask: AskComplete, tables: Sequence[str]) -> Complete:
    """How far all of these tables are complete."""
    return Complete.of_all(await together(*map(ask, tables)))


@dataclass(frozen=True)
class QueryDeps:
    reader: Reader
    authenticate: Authenticate
    metrics: Metrics
    groups: Groups
    mapper: Mapper
    stores: Mapping[str, str]
    """Signal -> name of its table."""
    states: States
    views: Views
    audit: AuditLog
    bodies: Bodies
    """Of requests that change what people have made."""
    delivery: Delivery
    held: Held = field(default_factory=Held)
    complete: AskComplete = unknown
    search_index: str = "none"
    """What `SLUICE_SEARCH_INDEX` names."""
    tails: Tails = field(default_factory=Tails)
    exports: Slots = field(default_factory=Slots)
    error_changes: Turns = field(default_factory=turns)
    """Whose change of the states of errors is next, by a route or a page."""
    counting: Counting | None = None
    """Where counts and limits are asked for; a process without it knows none."""
    people: People | None = None
    """Who may look at the pages; without them there are none."""

    settings: SettingsDeps | None = None
    """What the pages of settings need; they come with people."""

    alerts: AlertDeps | None = None
    """Rules that tell people of something."""

    @property
    def known_alerts(self) -> AlertDeps:
        assert self.alerts is not None
        return self.alerts

    @property
    def known_settings(self) -> SettingsDeps:
        assert self.settings is not None
        return self.settings

    @property
    def known_people(self) -> People:
        assert self.people is not None
        return self.people

    async def reading_key(self, request: Request) -> ResolvedKey:
        """The key of a request that may read. Raises what `authenticate` raises."""
        return await self.authenticate(request, "read")

    async def project_key(self, request: Request, scope: Scope = "read") -> ResolvedKey:
        """The key of a request about the project in its path. Raises what `authenticate` raises, and `ProjectNotFound`:
        the one place where a key is held against a project."""
        key = await self.authenticate(request, scope)
        if key.project_id != request.path_params["project_id"]:
            raise ProjectNotFound
        return key

    async def complete_of(self, tables: Sequence[str]) -> Complete:
        """How far these tables are complete; all of them where none is named. To be asked before they are."""
        named = tables or sorted(set(self.stores.values()))
        return await complete_of(self.complete, named)

    def counted(self, path: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint, its answers counted by route and outcome, as ingest's are."""
        return counted(self.metrics, path, "answered", lambda request: while_connected(request, endpoint(request)))
