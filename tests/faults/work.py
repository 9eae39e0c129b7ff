"""What the tests of faults have done by forks of `warm`: small, and run without tracing a graph."""

import shutil
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from keras_fld import models, training
from keras_fld.lite.exporting import export as export_files
from keras_fld.training import checkpoints, run
from keras_fld.training.recipe import Recipe
from tests.faults.states import BATCH_SIZE, POISONED

TINY = "tests.tiny:tiny"
RECIPE = Recipe(
    dataset="synthetic",
    dataset_options={"count": 12},
    network=TINY,
    epochs=4,
    batch_size=BATCH_SIZE,
    input_size=32,
    learning_rate=3e-3,
    warmup=1.0,
    averaging=0.9,
    seed=4,
)


def train(out, states=None):
    """Trains; every epoch's checkpoint is also kept as `states`/EPOCH.h5."""
    tf.config.run_functions_eagerly(True)
    if states is not None:
        save = checkpoints.Checkpoint.on_epoch_end

        def on_epoch_end(self, epoch, logs=None):
            save(self, epoch, logs)
            shutil.copyfile(self.path, Path(states) / f"{epoch}.h5")

        checkpoints.Checkpoint.on_epoch_end = on_epoch_end
    training.train(RECIPE, out, verbose=0)


def train_on_a_poisoned_face(out):
    """The same, one face's annotation being no face's."""
    build = run.new_network

    def poison(recipe, data, *rest):
        network = build(recipe, data, *rest)  # its mean shape is not to be the poisoned one
        data.landmarks[POISONED] = 1e30
        return network

    run.new_network = poison
    tf.config.run_functions_eagerly(True)
    training.train(RECIPE, out, verbose=0)


def train_with_graphs(out, network):
    """Two epochs of a network as a user trains it."""
    options = {"width": 0.125} if network == "trnet20" else {}
    recipe = replace(RECIPE, network=network, network_options=options, epochs=2)
    training.train(recipe, out, verbose=0)


def export(model, out):
    """Converts a model in two modes, and measures them."""
    export_files(models.load_model(model), out, ("float32", "float16"))
