"""The item `span`: a container of spans of version 2, or one old span (sentry-rows.md, "Spans")."""

import msgspec

from shared.formats.base import Format
from shared.formats.codec import JsonArray
from shared.formats.sentry.span_rows import columns

FORMAT = Format("sentry.spans", signal="traces", columns=columns, codec=JsonArray(msgspec.Raw))
