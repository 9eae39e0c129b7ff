"""Reading of a run's faces: split, joined with extra sets, and repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_fld.data import catalog, crops
from keras_fld.data.balance import pose_repeats
from keras_fld.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingFaces:
    """The faces that a run trains on and is validated on.

    Args:
        data: the training crops; those of the extra sets come last.
        repeats: (faces,) how often an epoch shows each face.
        held_out: model crops for validation, or None.
        notes: sentences on missing or skipped faces.
    """

    data: crops.Crops
    repeats: np.ndarray
    held_out: crops.Crops | None
    notes: list[str]

    @property
    def showings(self) -> int:
        """Number of faces that an epoch shows, with repeats."""
        return int(self.repeats.sum())


def training_faces(
    recipe: Recipe,
    root: str | Path | None,
    extra: Mapping[str, str | Path],
    skip_bad: bool = False,
) -> TrainingFaces:
    """Reads the faces of a recipe.

    Args:
        recipe: a `Recipe`.
        root: folder of its dataset.
        extra: name of each set in `recipe.extra` to its folder or file.
        skip_bad: skip bad files instead of stopping at the first.

    Raises:
        ValueError: the data is bad.
    """
    split = catalog.get(recipe.dataset).train
    faces = catalog.read(recipe.dataset, root, split, skip_bad, **recipe.dataset_options)
    notes, held_out = faces.told, None
    if recipe.validation:
        faces, held = faces.split(recipe.validation)
        held_out = crops.model_crops(held, recipe.frame, skip_bad)
        notes += held_out.skipped
    if recipe.limit:
        faces = faces.sample(recipe.limit)
    data = crops.training_crops(faces, recipe.frame, skip_bad)
    repeats = np.full(len(data), recipe.repeats)
    if recipe.balance:
        repeats *= pose_repeats(data.landmarks, data.scheme)
    for more in recipe.extra:
        added = more.read(extra[more.name], skip_bad)
        notes += added.told
        data = crops.join(data, crops.training_crops(added, recipe.frame, skip_bad))
        repeats = np.append(repeats, np.full(len(data) - len(repeats), more.repeats))
    return TrainingFaces(data, repeats, held_out, [*notes, *data.skipped])
