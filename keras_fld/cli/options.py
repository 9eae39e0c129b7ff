"""Options that several commands have, and how they tell what was missing or left out."""

import click

DATASET = click.option("--dataset", default="300w", show_default=True, help="Dataset's name.")
ROOT = click.option("--root", type=click.Path(), help="Folder of the dataset.")
SKIP_BAD = click.option(
    "--skip-bad", is_flag=True, help="Leave bad files out and list them, instead of stopping."
)


def tell(notes):
    """Prints notes on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
