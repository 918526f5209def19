"""Grafana's board, made by code: `python -m deploy.grafana.build` writes `sluice.json` beside it (operating.md,
"What to alert on")."""
