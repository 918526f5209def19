"""Frames of built JavaScript back to the sources, by source maps, when an event is read (events.md, "Mapped frames").

Only reading needs it: ingest never imports it. Nothing is imported here, as the child that reads maps needs little.
"""
