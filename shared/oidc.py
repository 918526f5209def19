"""Settings of log-in by OpenID Connect, and which roles its claims give (operating.md, "Single sign-on")."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from shared.secret import Secret
from shared.users import ROLES, Role


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """Log-in by OpenID Connect, `SLUICE_OIDC_*`."""

    issuer: Annotated[
        str, Meta(description="The provider's issuer, https://...; empty: no such log-in. Needs the extra oidc")
    ] = ""
    client_id: Annotated[str, Meta(description="Our client id at the provider")] = ""
    client_secret: Annotated[Secret, Meta(description="The client's secret; empty: a public client")] = Secret("")
    redirect_url: Annotated[
        str, Meta(description="Where the provider sends people back: https://<this host>/login/oidc/callback")
    ] = ""
    scopes: Annotated[str, Meta(description="What is asked of the provider, with spaces between")] = "openid email"
    button: Annotated[str, Meta(description="What the button of the log-in says")] = "Log in with single sign-on"
    domains: Annotated[str, Meta(description="Comma-separated domains of e-mail addresses; empty: all")] = ""
    create_users: Annotated[bool, Meta(description="Make a user of whoever logs in and has none yet")] = False
    roles: Annotated[
        str, Meta(description="Roles by claim, comma-separated: groups:sre=owner@project, *=viewer@project")
    ] = ""


class BadRoles(Exception):
    """A text that names no roles. It says why."""


class RoleRule(NamedTuple):
    """Whoever has this value in this claim has the role in the project. `claim`: '' for everybody."""

    claim: str
    value: str
    role: Role
    project_id: str

    def applies(self, claims: Mapping[str, Any]) -> bool:
        has = claims.get(self.claim)
        return not self.claim or (self.value in has if isinstance(has, list) else has == self.value)


def parse_roles(text: str) -> tuple[RoleRule, ...]:
    """Raises `BadRoles`."""
    return tuple(_rule(each.strip()) for each in text.split(",") if each.strip())


def _rule(text: str) -> RoleRule:
    who, _, what = text.rpartition("=")
    named, _, project_id = what.partition("@")
    claim, _, value = who.partition(":")
    role = next((role for role in ROLES if role == named), None)
    if role is None or not project_id or (who != "*" and not (claim and value)):
        raise BadRoles(f"{text!r}: write claim:value=role@project, or *=role@project; roles are {', '.join(ROLES)}")
    return RoleRule("" if who == "*" else claim, value, role, project_id)


def roles_of(rules: Sequence[RoleRule], claims: Mapping[str, Any]) -> dict[str, Role | None]:
    """Project -> the highest role that these claims give there, None for none, of all projects that the rules name."""
    found: dict[str, Role | None] = dict.fromkeys((rule.project_id for rule in rules), None)
    for rule in rules:
        before = found[rule.project_id]
        if rule.applies(claims) and (before is None or ROLES.index(rule.role) > ROLES.index(before)):
            found[rule.project_id] = rule.role
    return found
