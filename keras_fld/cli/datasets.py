"""The commands `keras-fld datasets`."""

import json

import click


@click.group()
def datasets():
    """Lists the datasets and verifies downloads.

    Exit codes: 0 what is there is good, 2 something is bad.
    """


@datasets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_datasets(as_json):
    """Names the datasets, their splits with the official numbers of faces, and their cards."""
    from keras_fld.data import catalog

    if as_json:
        rows = {
            name: {"splits": found.official, "normalizer": found.normalizer, "card": found.card}
            for name, found in catalog.DATASETS.items()
        }
        click.echo(json.dumps(rows, indent=1))
        return
    for name, found in catalog.DATASETS.items():
        splits = ", ".join(f"{split} {count}" for split, count in found.official.items())
        splits = splits or ", ".join((found.train, *found.tests))
        click.echo(f"{name:<14}{splits}")
        click.echo(f"{'':<14}normaliser {found.normalizer}, card {found.card}")


@datasets.command("check")
@click.argument("name")
@click.argument("root", required=False, type=click.Path())
@click.option("--sheet", type=click.Path(), help="PNG to draw faces with their landmarks in.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check_dataset(context, name, root, sheet, as_json):
    """Verifies what the folder ROOT holds of the dataset NAME, reading every image.

    \b
    keras-fld datasets check 300w /data/300w --sheet sheet.png
    """
    from keras_fld.data.check import check

    result = check(name, root)
    click.echo(json.dumps(result.as_dict(), indent=1) if as_json else str(result))
    if sheet:
        result.save_sheet(sheet)
        click.echo(f"wrote {sheet}", err=as_json)
    context.exit(0 if result.good else 2)
