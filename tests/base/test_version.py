"""The version stands in two places."""

import tomllib

from bridge.base.version import VERSION
from tests.paths import ROOT


def test_the_package_has_the_version_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == VERSION
