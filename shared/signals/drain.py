"""Vercel log drains: a topic of their own, so that a drain's bursts never delay SDK logs; stored as logs."""

from shared.signals.base import Signal
from shared.signals.logs import LOGS

SIGNAL = Signal(name="drain", table=LOGS)
