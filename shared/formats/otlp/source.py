"""The resource and the scope of records, decoded."""

from typing import Any

from shared.formats.otlp.codec import Head
from shared.formats.otlp.records import Resource, Source, Wire, said
from shared.formats.otlp.values import json_text

LONGEST_NOTE = 512
"""Characters of notes that all rows keep: else a small request of many records could fill the table."""


def resource_of(wire: Wire, head: Head, sent: Any) -> Resource:
    """`sent`: the head's resource, decoded."""
    (attributes,) = wire.attributes([sent.attributes])
    return Resource(
        service=said(attributes, "service.name"),
        environment=said(attributes, "deployment.environment.name", "deployment.environment") or "production",
        release=said(attributes, "service.version"),
        attributes=attributes.text.decode(),
        platform=said(attributes, "telemetry.sdk.language"),
        schema_url=wire.text(head.schema_url),
    )


def source_of(wire: Wire, resource: Resource, head: Head, sent: Any) -> Source:
    """`sent`: the head's scope, decoded."""
    (attributes,) = wire.attributes([sent.attributes])
    own_url = wire.text(head.schema_url)
    notes = {"scope_version": wire.text(sent.version), "scope": attributes.values, "schema_url": own_url}
    notes = {name: value for name, value in notes.items() if value}
    is_url_long = not own_url and len(resource.schema_url) > LONGEST_NOTE
    is_long = is_url_long or len(json_text(notes)) > LONGEST_NOTE
    if resource.schema_url and not own_url:
        notes["schema_url"] = resource.schema_url
    return Source(
        service=resource.service,
        environment=resource.environment,
        release=resource.release,
        resource=resource.attributes,
        platform=resource.platform,
        scope_name=wire.text(sent.name),
        notes=notes,
        is_long=is_long,
        is_url_long=is_url_long,
    )
