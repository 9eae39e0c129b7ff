"""The command `keras-fld predict`."""

from pathlib import Path

import click


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path())
@click.option("--model", required=True, type=click.Path(), help="A model file or a preset.")
@click.option("--out", required=True, type=click.Path(), help="Folder for the PNG and JSON files.")
@click.option("--box", help="x,y,width,height of the face, tight around its landmarks.")
@click.option(
    "--detector",
    default="haar",
    show_default=True,
    help="haar, haar-frontal or the path of a YuNet .onnx file.",
)
@click.option(
    "--passes",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Passes for each found face: from the second on, cut by the landmarks before.",
)
@click.option("--numbers", is_flag=True, help="Write each landmark's index.")
def predict(images, model, out, box, detector, passes, numbers):
    """Draws the landmarks of every face in IMAGES.

    For each image a PNG and a JSON are written. Faces are found by --detector, or taken from
    --box, with one pass. A bad image does not stop the others.

    \b
    keras-fld predict photo.jpg --model face.tflite --out result
    """
    from keras_fld.landmarker import FaceLandmarker

    boxes = None if box is None else [_parse_box(box)]
    landmarker = FaceLandmarker(model, detector, passes)
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
            "faces": [
                {"box": f.box, "score": f.score, "landmarks": f.landmarks.round(3)} for f in faces
            ],
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
