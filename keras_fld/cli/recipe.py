"""The recipe of a training run, from the options of the command."""

from pathlib import Path


def chosen(name, options, extra, start):
    """The named recipe, or the default one, with the given options, extra sets and start."""
    from keras_fld import training
    from keras_fld.training import recipes

    named = recipes.get(name) if name else training.Recipe()
    if extra and not named.extra:
        options["extra"] = tuple(extra)
    if start and not named.start:
        options["start"] = Path(start).stem
    if name:
        return recipes.get(name, **options)
    if start and "network" not in options:
        options = _like(start, options)
    return training.Recipe(**options)


def _like(start, options):
    """Adds the network and the crop of the model at `start`, if it is a TRNet-20.

    Options that the user has given remain.
    """
    from keras_fld import models

    trained = models.load_model(start)
    found, frame = models.options_of(trained), models.frame_of(trained)
    if found is None:
        return options
    given = options.get("network_options", {})
    if "width" in given:  # scales the default numbers of filters
        del found["stem"], found["filters"]
    crop = {"input_size": frame.size, "margin": frame.margin}
    return {**crop, **options, "network_options": {**found, **given}}


def named_paths(extra):
    """Parses the values of --extra: the name of each set and its path."""
    for value in extra:
        if not all(value.partition("=")):
            raise ValueError(f"--extra must be NAME=PATH. Got: {value}")
    return dict(value.split("=", 1) for value in extra)
