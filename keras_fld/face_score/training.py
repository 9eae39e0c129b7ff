"""Training of the face score, from photographs to the file that the landmarker opens."""

from pathlib import Path

import keras
import numpy as np

from keras_fld._internal.files import replacing, write_json
from keras_fld.data import catalog
from keras_fld.data.augment import generator
from keras_fld.data.crops import model_crops, training_crops
from keras_fld.face_score import roc
from keras_fld.face_score.occluders import COVERS, SIDES, cover_half
from keras_fld.face_score.samples import Samples
from keras_fld.face_score.scenes import KINDS, non_face, scenes, with_boxes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.lite import calibration, conversion
from keras_fld.models import FaceScore
from keras_fld.models.saving import save

# Most faces of a dataset that are held in memory, 0.2 MB each.
MOST = 3000
# Drawn faces, so that drawings of faces count as faces too, and how often one is shown.
DRAWN, DRAWN_SHARE = 600, 0.1
HELD_OUT = 0.1
# The share of the held-out crops without a face that score 0.5 and more.
FALSE_RATE = 0.01
# Files of a training.
KERAS_FILE, LITE_FILE, REPORT = "face_score.keras", "face_score.tflite", "score.json"


def train(
    roots, out, steps=1500, batch_size=128, learning_rate=4e-3, seed=0, skip_bad=False, verbose=1
):
    """Trains a face score and converts it to int8.

    A tenth of the faces is held out by photograph. There the Dense's bias is moved so that 1 % of
    the crops without a face score 0.5 or more: 0.5 is the threshold.

    Args:
        roots: name of each dataset and its folder, such as {"300w": "300w", "mtfl": "mtfl"}; their
            training splits alone are read.
        out: folder for face_score.keras, face_score.tflite and score.json.
        steps: batches.
        batch_size: crops in a batch, half of them faces.
        learning_rate: peak of the cosine.
        seed: of weights and crops.
        skip_bad: leave bad files out instead of stopping at the first.
        verbose: as of `fit`.

    Returns:
        The dictionary that score.json holds.

    Raises:
        ValueError: no dataset, one of another scheme, a bad file, or a number below 1.
        ImportError: TensorFlow, which converts, is not installed.

    Examples:
        >>> report = train({"300w": "300w"}, "run")
    """
    _check(roots, steps, batch_size)
    frame = FaceCrop()
    read, held, skipped = _read(roots, skip_bad)
    crops = [training_crops(faces, frame, skip_bad) for faces in read]
    places = [scene for faces in read for scene in scenes(faces, skip_bad)]
    samples = Samples(crops, places, _shares(len(crops)), seed)
    keras.utils.set_random_seed(seed)
    network = FaceScore(frame.size, frame.margin)
    _fit(network, samples, steps, batch_size, learning_rate, verbose)
    faces, covered, others = held_out_crops(held, frame, seed, skip_bad)
    threshold = _center(network, others)
    out = Path(out)
    plain = model_crops(read[0].sample(calibration.CALIBRATION_CROPS), frame, skip_bad).images
    _write(network, out, np.concatenate([plain[::2], samples.draw(steps, len(plain))[0]]))
    report = {
        "faces": {faces.name: len(faces) for faces in read},
        "held_out": {faces.name: len(faces) for faces in held},
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "backend": keras.backend.backend(),
        "parameters": network.count_params(),
        "raw_threshold": threshold,
        "validation": _figures(network, faces, covered, others),
        "skipped": skipped,
    }
    write_json(out / REPORT, report)
    return report


def held_out_crops(sets, frame, seed=0, skip_bad=False):
    """Crops to judge a score by, without augmentation.

    Args:
        sets: `FaceSet`s with the boxes of `with_boxes`.
        frame: the `FaceCrop`.
        seed: of places and covers.
        skip_bad: as of `train`.

    Returns:
        (faces, size, size, 3) uint8 crops, the same half covered, and a dictionary of every kind to
        as many crops without a face.
    """
    faces = np.concatenate([model_crops(part, frame, skip_bad).images for part in sets])
    places = [scene for part in sets for scene in scenes(part, skip_bad)]
    others = {}
    for kind in KINDS:
        chosen = [s for s in places if kind != "cascade" or len(s.squares)] or places
        others[kind] = np.stack(
            [non_face(s, generator(seed, 1, i), frame, kind) for i, s in enumerate(chosen)]
        )
    covered = []
    for i, face in enumerate(faces):
        rng = generator(seed, 2, i)
        side, cover = SIDES[i % len(SIDES)], COVERS[i // len(SIDES) % len(COVERS)]
        covered.append(cover_half(face, side, cover, rng, others["away"][i % len(places)]))
    return faces, np.stack(covered), others


class _Batches(keras.utils.PyDataset):
    """One pass over so many batches, each drawn when it is asked for."""

    def __init__(self, samples, steps, batch_size):
        super().__init__()
        self._samples, self._steps, self._batch_size = samples, steps, batch_size

    def __len__(self):
        return self._steps

    def __getitem__(self, index):
        return self._samples.draw(index, self._batch_size)


def _check(roots, steps, batch_size):
    for name, value, least in (("steps", steps, 1), ("batch_size", batch_size, 2)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}. Got: {value}")
    if not roots:
        raise ValueError("at least one dataset must be given. Got: none")


def _read(roots, skip_bad):
    """Training and held-out faces of each dataset, drawn ones last, and what was skipped."""
    sets = []
    for name, root in roots.items():
        faces = catalog.read(name, root, catalog.get(name).train, skip_bad)
        sets.append(with_boxes(faces.sample(MOST)))
    skipped = [sentence for faces in sets for sentence in faces.skipped]
    parts = [faces.split(HELD_OUT) for faces in sets]
    read, held = [rest for rest, _ in parts], [part for _, part in parts]
    return [*read, catalog.read("synthetic", count=DRAWN)], held, skipped


def _shares(count):
    """Of so many sets, the drawn one last: how often each is shown."""
    return [*[(1 - DRAWN_SHARE) / (count - 1)] * (count - 1), DRAWN_SHARE]


def _fit(network, samples, steps, batch_size, learning_rate, verbose):
    model = network
    if keras.backend.backend() == "torch":
        from keras_fld.models.torch_forward import TorchForward

        model = TorchForward(network, bfloat16=False)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, steps - steps // 20),
        warmup_target=learning_rate,
        warmup_steps=max(1, steps // 20),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-3, use_ema=True, ema_momentum=0.99)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    model.compile(
        optimizer,
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
        jit_compile="auto" if model is network else False,
    )
    model.fit(_Batches(samples, steps, batch_size), epochs=1, shuffle=False, verbose=verbose)


def _write(network, out, calibration):
    """Writes the Keras file and the int8 one."""
    with replacing(out / KERAS_FILE) as temporary:
        save(network, temporary)
    conversion.convert(network, out / LITE_FILE, "int8", calibration, "face_score")


def _center(network, others):
    """Moves the bias so that 0.5 is the threshold; returns the score that it was before."""
    scores = _predict(network, np.concatenate(list(others.values())))
    threshold = float(np.clip(roc.threshold_at(scores, FALSE_RATE), 1e-6, 1 - 1e-6))
    dense = network.get_layer("logit")
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel, bias - np.log(threshold / (1 - threshold))])
    return threshold


def _figures(network, faces, covered, others):
    scores = {kind: _predict(network, crops) for kind, crops in others.items()}
    together = np.concatenate(list(scores.values()))
    figures = {"false_positives": {k: roc.rate(s, 0.5) for k, s in scores.items()}}
    for name, crops in (("faces", faces), ("half_covered", covered)):
        found = _predict(network, crops)
        figures[name] = {"area": roc.area(found, together), "kept": roc.rate(found, 0.5)}
    return figures


def _predict(network, crops):
    return network.predict(crops, batch_size=256, verbose=0).ravel()
