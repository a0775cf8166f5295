"""Golden cases: a folder's configuration in, the resources or the errors that the user sees out.

`pytest --update-cases` writes the outputs anew; a reviewer reads them.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xds.build import build
from xds.cli import app
from xds.cli.render import ResourceType, resources
from xds.config.problems import ConfigError
from xds.dataplane import find_envoy, judge
from xds.files import Files, load_files
from xds.resources import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES
from xds.translate import translate
from xds.translate.text import to_yaml

CASES = Path(__file__).parent.parent / "cases"
INPUTS = {"config.yaml", "settings.yaml"}
NAMES = sorted(case.name for case in CASES.iterdir())
GOOD = [name for name in NAMES if not (CASES / name / "errors.txt").exists()]


def files(name: str) -> Files:
    settings = CASES / name / "settings.yaml"
    return Files(CASES / name / "config.yaml", settings if settings.exists() else None)


def outputs(name: str) -> dict[str, str]:
    """Return what a case becomes: the text of each file that should stand in its folder."""
    try:
        translation = translate(load_files(files(name)).gateway.without_secrets())
    except ConfigError as error:
        # As a user sees it who stands in the case's folder.
        return {"errors.txt": str(error).replace(f"{CASES / name}/", "") + "\n"}
    return {f"{kind.value}.yaml": to_yaml(resources(translation, kind)) for kind in ResourceType}


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, request: pytest.FixtureRequest) -> None:
    folder = CASES / name
    found = outputs(name)
    there = {path.name for path in folder.iterdir()} - INPUTS
    if request.config.getoption("--update-cases"):
        for orphan in there - found.keys():
            (folder / orphan).unlink()
        for file, text in found.items():
            (folder / file).write_text(text)
        return

    assert there == found.keys()
    for file, text in found.items():
        assert (folder / file).read_text() == text


@pytest.mark.parametrize("name", GOOD)
async def test_envoy_accepts_what_render_prints(name: str) -> None:
    case = files(name)
    settings = ["--settings", str(case.settings)] if case.settings else []
    printed = CliRunner().invoke(app, ["render", str(case.config), *settings, "--static"])

    assert printed.exit_code == 0
    assert await judge(find_envoy(), printed.stdout) is None


@pytest.mark.parametrize("name", GOOD)
def test_every_name_leads_somewhere(name: str) -> None:  # W5 W8
    snapshot = build(load_files(files(name)).gateway).snapshot
    text = (CASES / name / "routes.yaml").read_text()
    listeners = (CASES / name / "listeners.yaml").read_text()

    for cluster in snapshot.of_type(CLUSTERS):
        named = (f"cluster: {cluster}\n", f"cluster: '{cluster}'\n")
        asked = f"cluster_name: {cluster}\n"
        assert any(one in text for one in named) or asked in listeners
    for assignment in snapshot.of_type(ENDPOINTS):
        assert assignment in snapshot.of_type(CLUSTERS)
    for route in snapshot.of_type(ROUTES):
        assert f"route_config_name: {route}\n" in listeners
    assert len(snapshot.of_type(LISTENERS)) == len(snapshot.of_type(ROUTES))
    assert snapshot.inconsistencies() == ()
