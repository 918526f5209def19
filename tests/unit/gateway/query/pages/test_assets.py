"""The files that pages load."""

import hashlib
import re
from importlib import resources
from pathlib import Path

from gateway.query.pages.assets import assets


def test_the_script_is_small() -> None:
    assert len(assets()["app.js"].body) <= 12_000


def test_vendored_files_are_those_that_are_named_beside_them() -> None:
    static = resources.files("gateway.query.pages") / "static"
    said = dict(re.findall(r"^(\S+\.js) .*\n +sha256 ([0-9a-f]{64})$", (static / "VENDORED.txt").read_text(), re.M))
    found = {
        name: hashlib.sha256(asset.body).hexdigest() for name, asset in assets().items() if name.endswith(".min.js")
    }
    assert said == found


def test_an_address_changes_with_the_content() -> None:
    css = assets()["sluice.css"]
    assert css.path == f"/static/{hashlib.sha256(css.body).hexdigest()[:16]}/sluice.css"


def test_templates_have_nothing_that_the_policy_forbids() -> None:
    files = list(Path(str(resources.files("gateway.query.pages") / "templates")).rglob("*.html"))
    assert {"logs.html", "keys.html"} <= {file.name for file in files}
    for file in files:
        text = file.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|js:|\|\s*safe|<script>", text), file.name
