"""Folders of inputs: which files are left out, and where the results of subfolders go."""

from pathlib import Path, PurePath

from keras_fld._internal.folders import visible_files
from keras_fld._internal.image_formats import left_out
from keras_fld.predict.inputs import output_names


def notes(path, found, recursive=False):
    """Returns a list with one sentence on the files of a folder that are not inputs, if any.

    Args:
        path: an input. For a file, the result is empty.
        found: the `Source`s found in this and other inputs.
        recursive: whether subfolders were searched.

    Examples:
        >>> notes("photos", sources("photos"))
        ['left out 1 file that is not an image or video: notes.txt']
    """
    taken = {str(source.path) for source in found}
    others = [file for file in visible_files(path, recursive) if str(file) not in taken]
    names = (file.relative_to(path) for file in others)
    return left_out(names, "an image or video", "images or videos")


def result_names(found, inputs, recursive=False):
    """Names the output files of each source like `output_names`, in subfolders like the inputs'.

    Args:
        found: `Source`s.
        inputs: the paths given by the user.
        recursive: whether subfolders were searched.

    Returns:
        A list of paths relative to the output folder, without suffixes.

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
    """Refuses an output folder inside a folder that is searched recursively.

    Raises:
        ValueError: the next run would read the results as inputs.
    """
    for path in inputs:
        if Path(path).is_dir() and Path(out).resolve().is_relative_to(Path(path).resolve()):
            raise ValueError(
                f"--out must lie outside the input folder {path} with --recursive; otherwise the "
                f"next run would read the results as inputs. Got: {out}"
            )


def _place(path, folders):
    """Returns a source's subfolder within its input folder."""
    for folder in folders:
        if isinstance(path, Path) and path.is_relative_to(folder):
            return PurePath(path.relative_to(folder).parent)
    return PurePath()
