"""Shell completion of option values with the package's names, without loading Keras.

The names are suggestions. Values are validated elsewhere.
"""

from click.shell_completion import CompletionItem

from keras_fld._internal import names as known


def _names(offers, files=False):
    """Returns the `shell_complete` function of an option or argument.

    Args:
        offers: names, or a function that returns them.
        files: whether the value may also be a file. Names are then offered only for a non-empty
            prefix.

    Returns:
        A function of (context, parameter, incomplete), which click calls.
    """

    def complete(context, parameter, incomplete):
        found = [
            CompletionItem(name)
            for name in (offers() if callable(offers) else offers)
            if name.startswith(incomplete)
        ]
        if files and not (incomplete and found):
            return [CompletionItem(incomplete, type="file")]
        return found

    return complete


def _presets():
    from keras_fld import zoo

    return zoo.names()


def _datasets():
    from keras_fld.data import catalog

    return catalog.DATASETS


def _recipes():
    from keras_fld.training import recipes

    return recipes.names()


def _modes():
    from keras_fld.lite import modes

    return modes.MODES


def _exported():
    from keras_fld.lite import modes

    return modes.NAMES


def _detectors():
    from keras_fld.predict import detectors

    return detectors.NAMES


def _tables():
    from keras_fld.reproduce import TABLES

    return TABLES


def _subsets(context, parameter, incomplete):
    """Completes the test subsets of --dataset, or of 300W if it is not given."""
    return _splits(context.params.get("dataset") or "300w", incomplete, test=True)


def _all_splits(context, parameter, incomplete):
    """Completes the splits of the dataset given as the first argument."""
    # While an option lacks its value, click does not assign arguments to names.
    name = context.params.get("name") or next(iter(context.args), None)
    return _splits(name, incomplete, test=False)


def _splits(name, incomplete, test):
    from keras_fld.data import catalog

    found = catalog.DATASETS.get(name)
    splits = () if found is None else found.tests if test else (found.train, *found.tests)
    return [CompletionItem(split) for split in splits if split.startswith(incomplete)]


LOSSES, NETWORKS, HEADS = map(_names, (known.LOSSES, known.NETWORKS, known.HEADS))
PRECISIONS, OPTIMIZERS = _names(known.PRECISIONS), _names(known.OPTIMIZERS)
COMPRESSIONS = _names(known.COMPRESSIONS)
DATASETS, RECIPES, MODES, TABLES = map(_names, (_datasets, _recipes, _modes, _tables))
EXPORTED_MODES = _names(_exported)
PRESETS, MODELS = _names(_presets), _names(_presets, files=True)
DETECTORS = _names(_detectors, files=True)
SUBSETS, SPLITS = _subsets, _all_splits
