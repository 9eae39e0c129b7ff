"""The commands `keras-fld datasets`."""

import click

from keras_fld.cli import complete
from keras_fld.cli.options import JSON, QUIET, READER_OPTIONS, show
from keras_fld.cli.out import output


@click.group()
def datasets():
    """Lists the datasets and checks downloads.

    Exit code of check: 0 if all files present are good, 2 otherwise.

    \b
    keras-fld datasets list
    keras-fld datasets check 300w /data/300w --sheet sheet.png
    """


@datasets.command("list", short_help="Lists the datasets, their counts and their cards.")
@JSON
def list_datasets():
    """Lists the datasets, the official number of faces in each split, and their cards.

    \b
    keras-fld datasets list --json
    """
    from keras_fld.data import catalog

    rows, lines = {}, []
    for name, found in catalog.DATASETS.items():
        rows[name] = {
            "splits": found.official,
            "normalizer": found.normalizer,
            "card": found.card,
        }
        splits = ", ".join(f"{split} {count}" for split, count in found.official.items())
        lines.append(f"{name:<14}{splits or ', '.join((found.train, *found.tests))}")
        lines.append(f"{'':<14}normalizer {found.normalizer}, card {found.card}")
    show("\n".join(lines), rows)


@datasets.command("check")
@click.argument("name", shell_complete=complete.DATASETS)
@click.argument("root", required=False, type=click.Path())
@click.option(
    "--sheet",
    type=click.Path(),
    callback=output(".png"),
    help="The .png file to draw faces with their landmarks in.",
)
@READER_OPTIONS
@JSON
@QUIET
@click.pass_context
def check_dataset(context, name, root, sheet, reader_options):
    """Checks the dataset NAME in the folder ROOT and reads every image.

    \b
    keras-fld datasets check 300w /data/300w --sheet sheet.png
    keras-fld datasets check pts photos --option recursive=true
    """
    from keras_fld._internal.files import check_writable
    from keras_fld.data.check import check

    if sheet:
        check_writable(sheet)
    result = check(name, root, **reader_options)
    show(str(result), result.as_dict())
    if sheet:
        result.save_sheet(sheet)
        click.echo(f"wrote {sheet}")
    context.exit(0 if result.good else 2)
