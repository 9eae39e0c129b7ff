"""The command `keras-fld prepare`."""

import os

import click

from keras_fld._internal.files import check_writable
from keras_fld.cli import complete
from keras_fld.cli.options import JSON, QUIET, READER_OPTIONS, SKIP_BAD, resumable, show, tell
from keras_fld.cli.out import out_option


@click.command(short_help="Crops the faces of a dataset in advance.")
@click.argument("name", shell_complete=complete.DATASETS)
@click.argument("root", type=click.Path())
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM_OPTIONS]...")
@out_option("Folder for the face crops.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    help="Split to prepare; repeatable.  [default: all]",
    shell_complete=complete.SPLITS,
)
@click.option(
    "--size", type=click.IntRange(1), help="Side of the model's crop in pixels.  [default: 64]"
)
@click.option("--margin", type=float, help="Side of the crop in face boxes.  [default: 1.1]")
@click.option(
    "--shard", default=512, show_default=True, type=click.IntRange(1), help="Faces per file."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Number of processes.  [default: one per processor]",
)
@click.option("--beam", is_flag=True, help="Use Apache Beam. Its options follow after --.")
@READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def prepare(
    name,
    root,
    beam_options,
    out,
    splits,
    size,
    margin,
    shard,
    processes,
    beam,
    reader_options,
    skip_bad,
):
    """Crops the faces of dataset NAME in ROOT and writes the crops to a folder.

    Use the folder as --root of other commands. Training from it gives the same result as training
    from ROOT. For generated faces, ROOT is -. The same command resumes an interrupted preparation.

    With --beam, Apache Beam does the work, on this machine or, with Beam's options after --, on a
    cluster. Its workers must see ROOT and --out under the same paths. The files are the same.

    \b
    keras-fld prepare 300w 300w --out prepared
    keras-fld train --root prepared --out run
    keras-fld prepare own /shared/faces.csv --out /shared/prepared --beam -- --runner=FlinkRunner
    """
    from keras_fld.data.prepared.writing import prepare as run
    from keras_fld.geometry.frame import MARGIN, FaceCrop

    if beam_options and not beam:
        raise ValueError(f"options of Apache Beam need --beam. Got: {' '.join(beam_options)}")
    check_writable(out, folder=True)
    frame = FaceCrop(size or FaceCrop().size, MARGIN if margin is None else margin)
    with resumable(out, ["*-of-*.json"], "file"):
        manifest = run(
            name,
            _parts(name, root, splits, skip_bad, reader_options),
            out,
            frame,
            shard,
            processes or os.cpu_count() or 1,
            skip_bad,
            reader_options,
            beam=list(beam_options) if beam else None,
        )
    show(f"wrote {out}", {"out": out, "splits": _show_splits(manifest)})


def _parts(name, root, splits, skip_bad, reader_options):
    """The given splits; if none are given, all that are present, with notes on the others."""
    from keras_fld.data import catalog
    from keras_fld.data.faces import Absent
    from keras_fld.data.prepared.writing import Part

    found, root = catalog.get(name), None if root == "-" else root
    parts = []
    for split in dict.fromkeys(splits or (found.train, *found.tests)):
        try:
            faces = catalog.read(name, root, split, skip_bad, **reader_options)
        except Absent as error:
            if splits:
                raise
            tell([f"{split}: not prepared: {error}"])
            continue
        tell(f"{split}: {sentence}" for sentence in faces.notes)
        parts.append(Part(split, faces, wide=split == found.train))
    if not parts:
        raise ValueError(f"{root}: no split of {name} found")
    return parts


def _show_splits(manifest):
    """Prints a line and notes for each written split; returns them for JSON."""
    rows = {}
    for split, part in manifest["splits"].items():
        shards = part["shards"]
        skipped = [*part["skipped"], *(s for shard in shards for s in shard["skipped"])]
        tell(f"{split}: {sentence}" for sentence in part["absent"])
        tell(f"{split}: skipped: {sentence}" for sentence in skipped)
        rows[split] = row = {
            "faces": sum(shard["faces"] for shard in shards),
            "files": len(shards),
            "bytes": sum(shard["bytes"] for shard in shards),
            "missing": [*part["missing"], *part["absent"]],
            "skipped": skipped,
        }
        megabytes = row["bytes"] / 1e6
        show(f"{split}: {row['faces']:,} faces, {row['files']} files, {megabytes:,.1f} MB")
    return rows
