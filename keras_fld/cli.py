"""The command line, `keras-fld`."""

import contextlib
import sys
from pathlib import Path

import click

import keras_fld
from keras_fld.cli_baselines import baseline
from keras_fld.cli_datasets import datasets
from keras_fld.cli_evaluate import compare, evaluate
from keras_fld.cli_lite import convert, export, parity
from keras_fld.cli_prepare import prepare
from keras_fld.cli_reproduce import reproduce

_DATASET = click.option("--dataset", default="300w", show_default=True, help="Dataset's name.")
_ROOT = click.option("--root", type=click.Path(), help="Folder of the dataset.")
_SKIP_BAD = click.option(
    "--skip-bad", is_flag=True, help="Leave bad files out and list them, instead of stopping."
)


@click.group(context_settings={"max_content_width": 100})
@click.version_option(keras_fld.__version__, prog_name="keras-fld")
def cli():
    """Facial landmarks: train, evaluate, convert and draw.

    Exit codes: 0 success, 2 bad input or arguments, 130 interrupted.
    """


@cli.command()
@click.option("--recipe", help="Recipe's name, as in keras_fld/recipes.toml; options change it.")
@click.option("--dataset", help="Dataset's name; 300w unless the recipe says another.")
@_ROOT
@click.option(
    "--out", required=True, type=click.Path(), help="Run folder; an unfinished run in it continues."
)
@click.option("--loss", help="l1, l2, smooth_l1, nme, wing, le or enme, the default.")
@click.option("--alpha", type=float, help="alpha of le and enme.")
@click.option("--omega", type=float, help="omega of wing.")
@click.option("--epsilon", type=float, help="epsilon of wing.")
@click.option("--beta", type=float, help="beta of smooth_l1.")
@click.option("--network", help="trnet20, the default, cnn6 or cnn7.")
@click.option("--head", help="Head of trnet20: pool, the default, windows or flatten.")
@click.option("--width", type=float, help="Factor of trnet20's numbers of filters.")
@click.option("--epochs", type=int, help="Passes over the training faces.")
@click.option("--batch-size", type=int, help="Faces in a step.")
@click.option("--learning-rate", type=float, help="Peak learning rate.")
@click.option("--margin", type=float, help="Side of the crop in face boxes.")
@click.option("--precision", help="float32, the default, or bfloat16 on the PyTorch backend.")
@click.option("--validation", type=float, help="Fraction of the training faces held out.")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.")
@_SKIP_BAD
@click.option("--quiet", is_flag=True, help="No progress bar.")
def train(recipe, root, out, alpha, omega, epsilon, beta, head, width, skip_bad, quiet, **options):
    """Trains a network, TRNet-20 unless told otherwise.

    With KERAS_BACKEND=torch it runs on PyTorch's kernels, the fastest way on processors with
    bfloat16.

    \b
    keras-fld train --root 300w --loss enme --alpha 2 --out run
    keras-fld train --recipe trnet20_300w --root 300w --out run
    """
    from keras_fld import recipes, training

    options["loss_options"] = _given(alpha=alpha, omega=omega, epsilon=epsilon, beta=beta)
    options["network_options"] = _given(head=head, width=width)
    options = {key: value for key, value in options.items() if value not in (None, {})}
    recipe = recipes.get(recipe, **options) if recipe else training.Recipe(**options)
    try:
        training.train(recipe, out, root, skip_bad, verbose=0 if quiet else 1)
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command continues after the last whole epoch", err=True)
        raise
    click.echo(f"wrote {Path(out) / 'model.keras'}")


@cli.command()
@click.argument("model", type=click.Path())
@click.argument("output", type=click.Path())
@_DATASET
@_ROOT
@click.option("--loss", default="enme", show_default=True, help="Loss of every patch.")
@click.option(
    "--windows", default=0, show_default=True, help="Windows of each patch: 3 for the local form."
)
@click.option("--rounds", default=30, show_default=True, help="Augmentation rounds.")
@click.option("--batch-size", default=64, show_default=True, help="Faces in a step.")
@click.option("--learning-rate", default=1e-3, show_default=True, help="Peak learning rate.")
@click.option("--whole", is_flag=True, help="The control: the same steps on the whole layer.")
@click.option("--seed", default=0, show_default=True, help="Seed of order and augmentation.")
@_SKIP_BAD
@click.option("--quiet", is_flag=True, help="No progress bar.")
def refine(model, output, dataset, root, whole, seed, skip_bad, quiet, **options):
    """Retrains the output layer of MODEL patch by patch and writes OUTPUT (.keras).

    \b
    keras-fld refine run/model.keras run/refined.keras --root 300w
    keras-fld refine run/model.keras run/local.keras --root 300w \\
        --windows 3 --rounds 40 --learning-rate 4e-3
    """
    from keras_fld import models
    from keras_fld.data import catalog
    from keras_fld.files import replacing

    if Path(output).suffix != ".keras":
        raise ValueError(f"OUTPUT must end in .keras. Got: {output}")
    trained = models.load(model)
    data = catalog.load(
        dataset,
        root,
        catalog.find(dataset).train,
        frame=models.frame_of(trained),
        batch_size=64,
        seed=seed,
        skip_bad=skip_bad,
    )
    refined = models.refine(
        trained,
        data,
        patches={"all": range(trained.output_shape[1])} if whole else None,
        verbose=0 if quiet else 1,
        **options,
    )
    with replacing(output) as temporary:
        refined.save(temporary)
    click.echo(f"wrote {output}")


@cli.command()
@click.argument("images", nargs=-1, required=True, type=click.Path())
@click.option("--model", required=True, type=click.Path(), help="A .keras or .tflite file.")
@click.option("--out", required=True, type=click.Path(), help="Folder for the PNG and JSON files.")
@click.option("--box", help="x,y,width,height of the face, tight around its landmarks.")
@click.option("--numbers", is_flag=True, help="Write each landmark's index.")
def predict(images, model, out, box, numbers):
    """Draws the landmarks of every face in IMAGES.

    For each image a PNG and a JSON are written. Faces are found with OpenCV's Haar cascade, or
    taken from --box. A bad image does not stop the others.

    \b
    keras-fld predict photo.jpg --model face.tflite --out result
    """
    from keras_fld.landmarker import FaceLandmarker

    boxes = None if box is None else [_parse_box(box)]
    landmarker = FaceLandmarker(model)
    outputs = [Path(out) / Path(image).stem for image in images]
    if len(set(outputs)) < len(outputs):
        raise ValueError("two images have the same name and would overwrite each other's result")
    failures = 0
    for image, output in zip(images, outputs, strict=True):
        try:
            count = _predict_one(landmarker, image, boxes, output, numbers)
        except ValueError as error:
            click.echo(f"Error: {error}", err=True)
            failures += 1
            continue
        click.echo(f"{image}: {count} face{'s' * (count > 1)}, wrote {output}.png and .json")
    if failures:
        raise SystemExit(2)


@cli.command()
@click.option("--faces", "root", type=click.Path(), help="A 300W tree; without, generated faces.")
@click.option(
    "--out", default="demo", show_default=True, type=click.Path(), help="Folder for the results."
)
@click.option("--epochs", type=int, help="Passes over the training faces.")
def demo(root, out, epochs):
    """The main job in minutes: train, evaluate, convert, measure and draw.

    \b
    keras-fld demo --out demo
    """
    from keras_fld import demo

    demo.run(Path(out), root, epochs)


def _given(**options):
    return {key: value for key, value in options.items() if value is not None}


def _predict_one(landmarker, image, boxes, output, numbers):
    """Writes one image's PNG and JSON; returns the number of faces."""
    from keras_fld import drawing
    from keras_fld.files import write_json
    from keras_fld.landmarker import as_rgb

    picture = as_rgb(image)
    try:
        faces = landmarker.detect(picture, boxes)
    except ValueError as error:
        raise ValueError(f"{image}: {error}") from error
    if not faces:
        raise ValueError(f"{image}: no face found; give its box with --box x,y,width,height")
    for face in faces:
        picture = drawing.draw_landmarks(picture, face.landmarks, face.scheme, numbers)
    drawing.save_image(output.with_name(output.name + ".png"), picture)
    write_json(
        output.with_name(output.name + ".json"),
        {
            "image": str(image),
            "scheme": faces[0].scheme,
            "faces": [{"box": f.box, "landmarks": f.landmarks.round(3)} for f in faces],
        },
    )
    return len(faces)


def _parse_box(text):
    from keras_fld.data.geometry import check_box

    try:
        return check_box([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(
            f"--box must be x,y,width,height with a positive size. Got: {text}"
        ) from None


def _notes(notes):
    for note in notes:
        click.echo(f"note: {note}", err=True)


cli.add_command(baseline)
cli.add_command(compare)
cli.add_command(convert)
cli.add_command(datasets)
cli.add_command(evaluate)
cli.add_command(export)
cli.add_command(parity)
cli.add_command(prepare)
cli.add_command(reproduce)


def main():
    """Entry point: every expected failure is one line on standard error and an exit code."""
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(cli(standalone_mode=False) or 0)
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            sys.exit(130)
        except (ValueError, ImportError) as error:
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            sys.exit(2)
