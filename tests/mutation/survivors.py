"""The survivors that are explained, in survivors.toml."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")


def explained():
    """Returns the explained survivors: module to {(line, mutant): why}."""
    found = {}
    for entry in tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", []):
        found.setdefault(entry["module"], {})[entry["line"], entry["mutant"]] = entry["why"]
    return found
