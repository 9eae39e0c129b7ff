"""Pairs photographs with annotation files in the same folder, by their names."""

import re
from collections import defaultdict
from pathlib import Path

from keras_fld._internal.files import FileError, printable, reason
from keras_fld._internal.folders import visible_files
from keras_fld._internal.image_formats import in_order, is_image, left_out
from keras_fld.data.readers import sources

# `predict` writes the second face of photo.jpg to photo.face2.pts.
_FACE = re.compile(r"\.face\d+$")


class Beside:
    """The annotation files of a folder, and their photographs.

    The photograph of `a.pts` is named `a`, with or without the suffix of an image in lower or upper
    case. The photograph of `a.jpg.pts` is `a.jpg`, and that of `a.face2.pts` is the same as that of
    `a.pts`. Hidden files are ignored, including the `._` files of macOS.

    Args:
        folder: the folder. If it does not exist, there are no files.
        suffix: suffix of the annotation files, such as ".pts".
        recursive: whether to search subfolders, except hidden ones.
        root: folder that paths in `notes` are relative to; None uses `folder`.

    Attributes:
        annotations: the annotation files, sorted.
        notes: sentences on ignored files, and on annotations with several photographs.

    Raises:
        ValueError: the folder cannot be read.
    """

    def __init__(self, folder, suffix, recursive=False, root=None):
        folder, root = Path(folder), root or folder
        try:
            found = visible_files(folder, recursive)
        except OSError as error:
            raise FileError(folder, reason(error)) from error
        self.annotations = [path for path in found if path.suffix.lower() == suffix]
        self._images = defaultdict(list)
        others = []
        for path in found:
            if path.suffix.lower() == suffix:
                continue
            if not is_image(path):
                others.append(path.relative_to(root))
                continue
            for name in {path.name, path.stem}:
                self._images[path.parent / name].append(path)
        self.notes = left_out(others, f"an image or {suffix} file", f"images or {suffix} files")
        used = {image for path in self.annotations for image in self._of(path)}
        every = {image for images in self._images.values() for image in images}
        if lone := len(every - used):
            self.notes.append(f"{_count(lone, 'image has', 'images have')} no {suffix} file")
        self.notes += self._doubled(root)

    def photograph(self, path):
        """Returns the photograph of an annotation file.

        Raises:
            ValueError: there is none, or a symbolic link leads out of the folder.
        """
        images = self._of(path)
        if not images:
            raise FileError(path, "no image with this name (.jpg, .png, ...) next to it")
        for file in (path, images[0]):
            sources.check_link(file, path.parent)
        return images[0]

    def photograph_name(self, path):
        """Returns the common name, without suffixes, of the files of a photograph's faces."""
        return path.stem if self._named(path.stem, path.parent) else _FACE.sub("", path.stem)

    def _of(self, path):
        return self._named(path.stem, path.parent) or self._named(
            _FACE.sub("", path.stem), path.parent
        )

    def _named(self, name, folder):
        return sorted(self._images.get(folder / name, ()), key=in_order)

    def _doubled(self, root):
        doubled = [path for path in self.annotations if len(self._of(path)) > 1]
        if not doubled:
            return []
        taken, other = self._of(doubled[0])[:2]
        kind = doubled[0].suffix
        count = _count(len(doubled), f"{kind} file has", f"{kind} files have")
        return [
            f"{count} several images; only one is used, such as "
            f"{printable(taken.relative_to(root))}, not {printable(other.name)}"
        ]


def _count(number, one, many):
    return f"{number:,} {one if number == 1 else many}"
