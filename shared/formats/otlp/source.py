"""The resource and the scope of records, decoded."""

from typing import Any

from shared.formats.otlp.codec import Group
from shared.formats.otlp.records import Source, Wire
from shared.formats.otlp.values import json_text


def source_of(wire: Wire, group: Group, resource: Any, scope: Any) -> Source:
    """`resource` and `scope`: the group's, decoded."""
    attributes = wire.attributes(resource.attributes)
    return Source(
        resource=attributes,
        resource_text=json_text(attributes) if attributes else "",
        scope_name=wire.text(scope.name),
        scope_version=wire.text(scope.version),
        scope=wire.attributes(scope.attributes),
        schema_url=wire.text(group.scope.schema_url or group.resource.schema_url),
    )
