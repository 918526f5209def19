"""Writes the alerts as the Prometheus operator reads them, from those that Prometheus reads:
`python -m deploy.k8s.build`."""

from pathlib import Path

HERE = Path(__file__).parent
RULES = HERE.parent / "prometheus" / "rules.yml"
OPERATORS_RULES = HERE / "components" / "monitoring" / "rules.yaml"

_HEAD = """\
# Made from deploy/prometheus/rules.yml by `python -m deploy.k8s.build`: change that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: sluice}
spec:
"""


def operators_rules() -> str:
    """The same groups, below `spec`."""
    lines = RULES.read_text().splitlines()
    first = lines.index("groups:")
    return _HEAD + "".join(f"  {line}\n" if line else "\n" for line in lines[first:])


if __name__ == "__main__":
    OPERATORS_RULES.write_text(operators_rules())
