"""Folders of inputs: what of them is left out, and where results of their folders go."""

from pathlib import Path, PurePath

from keras_fld._internal.folders import visible_files
from keras_fld._internal.image_formats import left_out
from keras_fld.predict.inputs import output_names


def notes(path, found, recursive=False):
    """A sentence on the files of a folder that are no inputs; none where there is none.

    Args:
        path: an input; of a file there is none.
        found: the `Source`s that were found, of this and other inputs.
        recursive: whether its folders were looked into.

    Examples:
        >>> notes("photos", sources("photos"))
        ['left out 1 file that is not an image or video: notes.txt']
    """
    taken = {str(source.path) for source in found}
    others = [file for file in visible_files(path, recursive) if str(file) not in taken]
    names = (file.relative_to(path) for file in others)
    return left_out(names, "an image or video", "images or videos")


def result_names(found, inputs, recursive=False):
    """What the files of each source are called, as of `output_names`; those of a folder's folder
    lie in one of the same name.

    Args:
        found: `Source`s.
        inputs: the paths that were given.
        recursive: whether folders in them were looked into.

    Raises:
        ValueError: two files of one folder have the same name.

    Examples:
        >>> result_names([Source(Path("photos/anna/1.jpg"), "image")], ["photos"], True)
        ['anna/1']
    """
    if not recursive:
        return output_names(found)
    folders = [Path(path) for path in inputs if Path(path).is_dir()]
    places = [_place(source.path, folders) for source in found]
    names = [""] * len(found)
    for place in dict.fromkeys(places):
        chosen = [index for index, other in enumerate(places) if other == place]
        for index, name in zip(chosen, output_names([found[i] for i in chosen]), strict=True):
            names[index] = str(place / name)
    return names


def check_outside(out, inputs):
    """Refuses a folder for results inside of one that is read with its folders.

    Raises:
        ValueError: the next run would take the results for inputs.
    """
    for path in inputs:
        if Path(path).is_dir() and Path(out).resolve().is_relative_to(Path(path).resolve()):
            raise ValueError(
                "--out would put results among the inputs, where the next run takes them for "
                f"inputs: with --recursive it must lie outside of {path}. Got: {out}"
            )


def _place(path, folders):
    """The folder, inside of the input folder that it was found in, of a source."""
    for folder in folders:
        if isinstance(path, Path) and path.is_relative_to(folder):
            return PurePath(path.relative_to(folder).parent)
    return PurePath()
