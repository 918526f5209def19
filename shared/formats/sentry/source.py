"""What sent an event or a span."""

from collections.abc import Mapping

import msgspec

from shared.formats.sentry.reading import Fields, fields, text
from shared.formats.sentry.tags import said


def service_of(sent: Fields, attributes: Mapping[str, msgspec.Raw]) -> str:
    """The service of an event or a transaction, '' for none: Sentry has no such thing, OpenTelemetry and tags have."""
    otel = fields(fields(sent.get("contexts")).get("otel"))
    return (
        text(fields(otel.get("resource")).get("service.name"))
        or said(sent.get("tags"), "service")
        or text(attributes.get("service.name"))
    )
