"""Where the files that come with the package are: the one place that knows its folders."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
MINI_VLMS = {
    "mini": ASSETS / "mini_vlm_strong",
    "mini_middle": ASSETS / "mini_vlm_middle",
    "mini_weak": ASSETS / "mini_vlm_weak",
}
"""Profile: the folder of its mini VLM."""
MINI_REWARD = ASSETS / "mini_reward"
"""A small reward model for stories of the mini world."""
TRACE_BENCHMARK = ASSETS / "trace_benchmark"
"""Planted traces and what was measured on them."""
REFERENCE = ASSETS / "reference"
"""Logs and tables of the runs that the series shows."""
STUDIES = ASSETS / "studies"
"""Tables and logs that `dev.studies` writes, arm by arm."""
POLICIES = ASSETS / "policies"
"""Adapters of the trained policies, and what they answered."""
REPORT_STYLE, REPORT_TEMPLATE = ASSETS / "report.css", ASSETS / "report.html.j2"
"""Of the page that `write_report` makes; the template imports `report_parts.html.j2` beside it."""
CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of the repository, where the package is used from a checkout."""
