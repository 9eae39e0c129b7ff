"""Explanation of a failed OpenCV import."""


def explained(error: ImportError) -> ImportError:
    """Returns the error, with advice if OpenCV is missing a system library.

    Args:
        error: error of an import.

    Examples:
        >>> print(explained(ImportError("No module named 'keras'", name="keras")))
        No module named 'keras'
    """
    if error.name != "cv2" or "shared object file" not in str(error):
        return error
    return ImportError(
        f"OpenCV cannot be loaded ({error}). On a machine without a desktop, install "
        "opencv-python-headless instead of opencv-python"
    )
