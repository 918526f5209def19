"""Builds the parts of a gateway process, once, from its settings.

A process has the role ingest, query, or both; it gets the parts of its roles and no others.
"""

from gateway.assembly.keys import lookup_in
from gateway.assembly.process import assemble

__all__ = ["assemble", "lookup_in"]
