"""The resource and the scope of records, decoded."""

from typing import Any

from shared.formats.otlp.codec import Group
from shared.formats.otlp.records import Source, Wire, said
from shared.formats.otlp.values import json_text

LONGEST_NOTE = 512
"""Characters of notes that all rows keep: else a small request of many records could fill the table."""


def source_of(wire: Wire, group: Group, resource: Any, scope: Any) -> Source:
    """`resource` and `scope`: the group's, decoded."""
    attributes, of_scope = wire.attributes([resource.attributes, scope.attributes])
    notes = {
        "scope_version": wire.text(scope.version),
        "scope": of_scope.values,
        "schema_url": wire.text(group.scope.schema_url or group.resource.schema_url),
    }
    notes = {name: value for name, value in notes.items() if value}
    return Source(
        service=said(attributes, "service.name"),
        environment=said(attributes, "deployment.environment.name", "deployment.environment") or "production",
        release=said(attributes, "service.version"),
        resource=attributes.text.decode(),
        platform=said(attributes, "telemetry.sdk.language"),
        scope_name=wire.text(scope.name),
        notes=notes,
        is_long=len(json_text(notes)) > LONGEST_NOTE,
    )
