"""The item `transaction`: one record for it, one for each of its spans (sentry-rows.md, "Spans")."""

import msgspec

from shared.formats.base import Format
from shared.formats.codec import JsonArray
from shared.formats.sentry.span_rows import columns

FORMAT = Format("sentry.transactions", signal="traces", columns=columns, codec=JsonArray(msgspec.Raw))
