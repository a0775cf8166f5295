"""The files of a control plane, read together."""

from pathlib import Path

import pytest

from xds.config.problems import ConfigError
from xds.files import Files, load_files


def test_what_is_wrong_with_each_of_the_files_is_told_at_once(tmp_path: Path) -> None:
    files = Files(tmp_path / "no-config.yaml", tmp_path / "no-settings.yaml")

    with pytest.raises(ConfigError) as raised:
        load_files(files)

    assert str(raised.value).splitlines() == [
        f"{tmp_path}/no-config.yaml: there is no such file; check the path",
        f"{tmp_path}/no-settings.yaml: there is no such file; check the path",
    ]
