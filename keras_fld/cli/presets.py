"""The command `keras-fld presets`."""

import click

from keras_fld.cli.options import JSON, show

# The processor of the instruction counts in the table.
_CPU = "cortex-a76"


@click.command(short_help="Lists the presets with error, size, cost and license.")
@JSON
def presets():
    """Lists the presets with their error, size, cost on a phone, and license.

    NME is the published NME of the int8 file in percent. "M instr." is millions of instructions for
    one inference on a Cortex-A76. LicenseRef-300W-Weights allows non-commercial research only,
    CC-BY-4.0 any use with attribution.

    \b
    keras-fld presets
    """
    from keras_fld import zoo

    rows = [_row(zoo, name) for name in zoo.names()]
    heads = ("preset", "NME %", "bytes", "M instr.", "license")
    lines = ["{:<22}{:>7}{:>12}{:>10}  {}".format(*heads)]
    for row in rows:
        millions = row["instructions"][_CPU] / 1e6
        figures = f"{row['nme']:>7.3f}{row['bytes']:>12,}{millions:>10.2f}"
        lines += [f"{row['preset']:<22}{figures}  {row['license']}", f"  {row['description']}"]
    show("\n".join(lines), {"presets": rows})


def _row(zoo, name):
    about, published = zoo.about(name), zoo.figures(name)
    int8 = published["files"]["int8"]
    (subset,) = int8["nme"]
    return {
        "preset": name,
        "description": about.description,
        "license": about.license,
        "dataset": published["dataset"],
        "subset": subset,
        "nme": int8["nme"][subset],
        "bytes": zoo.lite_file(name).stat().st_size,
        "instructions": int8["instructions"],
    }
