"""CITATION.cff says what is released; its few keys are read without a YAML library."""

import re
from pathlib import Path

import keras_fld

TEXT = (Path(__file__).parents[2] / "CITATION.cff").read_text("utf-8")


def values(key):
    """The values of a key, at whatever depth."""
    return re.findall(rf'^[ -]*{key}: "?(.*?)"?$', TEXT, re.MULTILINE)


def test_the_version_is_the_packages():
    assert values("version") == [keras_fld.__version__]


def test_the_paper_is_the_preferred_citation():
    assert values("title")[0].startswith("keras_fld")
    assert values("title")[1] == (
        "Enhanced Normalized Mean Error loss for Robust Facial Landmark detection"
    )
    assert values("family-names") == ["Lai", "Chai", "Li", "Meng", "Yang", "Wei"]
    assert len(values("given-names")) == 6 and values("year") == ["2019"]
    assert values("cff-version") == ["1.2.0"] and values("message")
