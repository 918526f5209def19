"""By which values two sets of logs differ."""
