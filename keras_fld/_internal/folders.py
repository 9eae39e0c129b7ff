"""What a folder holds for whoever reads it as a whole."""

from pathlib import Path


def visible_files(folder: str | Path, recursive: bool = False) -> list[Path]:
    """The files of a folder, sorted; none where there is no folder.

    Hidden ones are left out: what a killed process left half-written, and the `._` companions that
    macOS leaves on foreign disks. So is what lies in hidden folders.

    Args:
        folder: the folder.
        recursive: whether to look into its folders too.

    Raises:
        OSError: the folder cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    # The former says where a folder may not be read; the latter passes over it.
    found = list(folder.iterdir())
    found = sorted(folder.rglob("*") if recursive else found)
    return [
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
