"""Writes the board: `python -m deploy.grafana.build`."""

from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from deploy.grafana.panels import ROWS, Panel

BOARD = Path(__file__).with_name("sluice.json")
_WIDTH, _HEIGHT = 8, 8
"""Of a panel: three of them are Grafana's 24 columns."""
_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")


def board() -> str:
    """The board as Grafana imports it."""
    made = (
        Dashboard("Sluice")
        .uid("sluice")
        .tags(["sluice"])
        .refresh("30s")
        .time("now-1h", "now")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for title, panels in ROWS.items():
        made = made.with_row(Row(title))
        for panel in panels:
            made = made.with_panel(_drawn(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _drawn(panel: Panel) -> TimeSeries:
    drawn = (
        TimeSeries()
        .title(panel.title)
        .description(panel.means)
        .unit(panel.unit)
        .min(0)
        .span(_WIDTH)
        .height(_HEIGHT)
        .datasource(_SOURCE)
        .legend(
            VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        )
    )
    for name, line in zip(ascii_uppercase, panel.lines, strict=False):
        query = Dataquery().expr(line.expression).legend_format(line.legend).datasource(_SOURCE)
        drawn = drawn.with_target(query.ref_id(name))
    return drawn


if __name__ == "__main__":
    BOARD.write_text(board())
