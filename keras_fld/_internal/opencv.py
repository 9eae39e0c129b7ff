"""OpenCV that cannot be loaded, explained."""


def explained(error: ImportError) -> ImportError:
    """The error with what to do, where OpenCV lacks a library of the desktop; else the error.

    Args:
        error: of an import.

    Examples:
        >>> print(explained(ImportError("No module named 'keras'", name="keras")))
        No module named 'keras'
    """
    if error.name != "cv2" or "shared object file" not in str(error):
        return error
    return ImportError(
        f"OpenCV cannot be loaded ({error}). On a machine without a desktop install "
        "opencv-python-headless in place of opencv-python"
    )
