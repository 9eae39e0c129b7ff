"""Pruning and clustering of weights, for files that compress better.

Neither makes the network faster. Only a compressed file, as in an app's package, becomes smaller.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from keras_fld._internal.names import COMPRESSIONS
from keras_fld.lite.tfmot import finetune

if TYPE_CHECKING:
    import keras


# Number of pruning steps until the final sparsity is reached.
_PRUNINGS = 10


def compress(
    model: "keras.Model",
    data: Iterable[Any],
    method: str,
    sparsity: float = 0.5,
    clusters: int = 16,
    epochs: int = 4,
    learning_rate: float = 5e-4,
    loss: "keras.losses.Loss | str | None" = None,
    verbose: int = 1,
) -> "keras.Model":
    """Prunes or clusters the weights of a trained model and fine-tunes it.

    Applies to all convolutions and hidden Dense layers, but not to the output layer. Needs the
    TensorFlow backend and the extra `compress`.

    Args:
        model: a trained Keras model of the package; it is not changed.
        data: augmented batches of (images, landmarks), newly augmented at each iteration, as from
            `keras_fld.data.load`.
        method: "prune" sets the smallest weights to zero, gradually over the first half of the
            steps; "cluster" limits each layer to a few distinct weights.
        sparsity: fraction of each layer's weights that "prune" sets to zero.
        clusters: number of distinct weights per layer with "cluster".
        epochs: passes over the data.
        learning_rate: initial learning rate of Adam, with cosine decay to zero.
        loss: a loss or its name; None means `ENME()`.
        verbose: 0 is silent, 1 shows a progress bar.

    Returns:
        A new Keras model with the same graph, in which nested models are flattened.

    Raises:
        ImportError: the extra `compress` is not installed.
        ValueError: an option is out of range, the backend is not TensorFlow, the data does not
            match the model, or the loss is not finite.

    Examples:
        >>> small = compress(model, keras_fld.data.load("300w", root, batch_size=16), "prune")
    """
    check(method, sparsity, clusters, epochs, learning_rate, loss)
    library = finetune.tfmot()
    import tf_keras

    from keras_fld.lite.tfmot.to_tf_keras import OWN, to_tf_keras
    from keras_fld.models import graph

    steps = finetune.steps_of(data, model)
    model = finetune.flat(model)
    output = graph.output_dense(model, linear=False)
    kept = None if output is None else output.name
    if method == "prune":
        wrap, callbacks, strip = _pruning(library, sparsity, steps * epochs)
    else:
        wrap, callbacks, strip = _clustering(library, clusters)

    with tf_keras.utils.custom_object_scope({kind.__name__: kind for kind in OWN.values()}):
        network = _wrapped(to_tf_keras(model), wrap, kept)
        finetune.fine_tune(network, data, steps, epochs, learning_rate, loss, callbacks, verbose)
        return finetune.with_weights_of(model, strip(network))


def _wrapped(network, wrap, kept):
    """The network with its convolutions and Dense layers but `kept` wrapped, and its weights."""
    import tf_keras

    def wrapped(layer):
        takes_part = isinstance(layer, (tf_keras.layers.Conv2D, tf_keras.layers.Dense))
        # Other layers are reused with their weights.
        return wrap(layer) if takes_part and layer.name != kept else layer

    return tf_keras.models.clone_model(network, clone_function=wrapped)


def check(method, sparsity, clusters, epochs, learning_rate, loss):
    """Raises a ValueError if an option of `compress` is out of range."""
    if method not in COMPRESSIONS:
        raise ValueError(f"method must be one of {', '.join(COMPRESSIONS)}. Got: {method!r}")
    if not 0 < sparsity < 1:
        raise ValueError(f"sparsity must be between 0 and 1. Got: {sparsity}")
    if clusters < 2:
        raise ValueError(f"clusters must be at least 2. Got: {clusters}")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1. Got: {epochs}")
    finetune.check(learning_rate, loss)


def _pruning(library, sparsity, steps):
    """Functions that wrap a layer and remove the wrappers, and the callbacks between them."""
    keras = library.sparsity.keras
    every = max(1, steps // 2 // _PRUNINGS)
    schedule = keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=sparsity,
        begin_step=0,
        # A multiple of the frequency; otherwise the last pruning step is skipped.
        end_step=every * max(1, min(_PRUNINGS, steps // 2)),
        frequency=every,
    )
    return (
        lambda layer: keras.prune_low_magnitude(layer, pruning_schedule=schedule),
        [keras.UpdatePruningStep()],
        keras.strip_pruning,
    )


def _clustering(library, clusters):
    """As `_pruning`, for clustering."""
    keras = library.clustering.keras
    start = keras.CentroidInitialization.KMEANS_PLUS_PLUS
    return (
        lambda layer: keras.cluster_weights(
            layer, number_of_clusters=clusters, cluster_centroids_init=start
        ),
        [],
        keras.strip_clustering,
    )
