import json
import subprocess
import sys

from click.testing import CliRunner

from keras_fld import zoo
from keras_fld.cli import cli


def test_every_preset_is_listed_with_its_figures_and_license():
    result = CliRunner().invoke(cli, ["presets"])
    assert result.exit_code == 0, result.output
    for name in zoo.names():
        (line,) = (line for line in result.output.splitlines() if line.startswith(f"{name} "))
        size = zoo.lite_file(name).stat().st_size
        assert f"{size:,}" in line and line.endswith(zoo.about(name).license)


def test_the_json_has_the_published_figures():
    result = CliRunner().invoke(cli, ["presets", "--json"])
    rows = {row["preset"]: row for row in json.loads(result.stdout)["presets"]}
    assert list(rows) == zoo.names()
    for name, row in rows.items():
        int8 = zoo.figures(name)["files"]["int8"]
        assert row["nme"] == int8["nme"][row["subset"]]
        assert row["instructions"] == int8["instructions"]


def test_it_needs_neither_keras_nor_opencv():
    code = (
        "import sys; from keras_fld.cli import cli; cli(['presets'], standalone_mode=False); "
        "sys.exit(bool({'keras', 'cv2', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
