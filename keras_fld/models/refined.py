"""The refined module (Section 3): the output layer is retrained by patches on a frozen backbone.

The rows of the patches are then assembled in one Dense, so the graph, size and speed of the model
do not change. For losses that are sums over landmarks (NME, LE, Wing, L1), this is the same problem
as retraining the whole Dense. Only a loss that couples the landmarks of a patch, such as ENME, can
benefit from patches.

The local form gives each patch additional features: a few windows of its own on an inner feature
map. It adds a few percent to the number of parameters.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_fld import losses
from keras_fld.models.layers import ShapeOffset, offsets_layer, scheme_of, shape_layer
from keras_fld.models.refined_windows import Windows, windows_layer
from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.saving import keep_license


def refine(
    model: keras.Model,
    data: Iterable[Any] | tuple[np.ndarray, np.ndarray],
    patches: Mapping[str, Sequence[int]] | None = None,
    loss: keras.losses.Loss | str | Mapping[str, keras.losses.Loss | str] | None = None,
    windows: int = 0,
    rounds: int = 30,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    verbose: int = 1,
) -> keras.Model:
    """Retrains the output layer of a trained model by patches (the refined module, Section 3).

    Args:
        model: a trained Keras model of the package, which is not changed.
        data: a dataset of (images, landmarks) batches with new augmentation in each iteration, such
            as the result of `keras_fld.data.load`; or a pair of arrays, used in every round.
        patches: dictionary from patch name to landmark indices; None uses the patches of the
            model's scheme. Landmarks that are not in any patch keep their weights.
        loss: a loss, its name, or a dictionary from patch name to loss; None uses `ENME()`.
        windows: number of new windows of each patch for the local form, on the deepest inner
            feature map of at least 8x8 positions. Three windows add 4 % of parameters to TRNet-20.
            0 only retrains the Dense, and windows that the model already has.
        rounds: number of augmentation rounds. In each round, the backbone computes the features
            once, with BatchNorm in inference mode, and each patch is trained for one pass.
        batch_size: number of faces in a step.
        learning_rate: Adam's learning rate, which decays to zero with a cosine over all rounds.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        A new model, with the same graph or with `WindowedOffsets` added to the Dense's output.

    Raises:
        ValueError: a number is out of range; patches overlap, contain unknown landmarks, or are
            not given for a model without a scheme; the model already has windows or its maps are
            too small for new ones; the landmarks are not computed by a linear Dense with a bias;
            or the model has `SampledOffsets`.

    Examples:
        >>> refined = keras_fld.refine(model, keras_fld.data.load("300w", "300w"))
    """
    shape, dense = shape_layer(model), offsets_layer(model)
    _check_last(model)
    patches = _check_patches(model, patches)
    _check_numbers(rounds, batch_size, learning_rate)
    local = Windows(model, windows) if windows or windows_layer(model) else None
    backbone = _backbone(model, [dense.input] + ([local.map] if local else []))
    heads: dict[str, keras.Model] = {}
    for features, landmarks in _rounds(backbone, data, local, rounds, verbose):
        steps = rounds * -(-len(landmarks) // batch_size)
        for name, indices in patches.items():
            if name not in heads:
                rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
                heads[name] = _head(dense, shape, name, indices, local)
                heads[name].compile(keras.optimizers.Adam(rate), loss=_patch_loss(loss, name))
            heads[name].fit(features, landmarks[:, indices], batch_size=batch_size, verbose=0)
    refined = _assemble(model, patches, heads)
    refined = local.assemble(refined, patches, heads) if local else refined
    return keep_license(model, refined)


def _check_last(model):
    """Raises ValueError where something corrects what the Dense gives: it fits that Dense."""
    for layer in model.layers:
        if isinstance(layer, SampledOffsets):
            raise ValueError(
                "a model to refine must end in its Dense and windows. Got: "
                f"{layer.name!r}, which reads features at the landmarks that they give"
            )


def _check_numbers(rounds, batch_size, learning_rate):
    for name, value in (("rounds", rounds), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1. Got: {value}")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be above 0. Got: {learning_rate}")


def _backbone(model, outputs):
    """Returns the frozen part of a model. On PyTorch, it runs on fused, faster kernels."""
    backbone = keras.Model(model.input, outputs)
    if keras.backend.backend() != "torch":
        return backbone
    from keras_fld.models.torch_forward import TorchForward

    return TorchForward(backbone, bfloat16=False)


def _check_patches(model, patches):
    """Validates the patches, and returns them as a dictionary from name to landmark indices."""
    if patches is None:
        scheme = scheme_of(model)
        if scheme is None:
            raise ValueError("patches must be given, because the model has no landmark scheme")
        patches = scheme.patches
    patches = {name: [int(i) for i in indices] for name, indices in patches.items()}
    count = model.output_shape[1]
    own = windows_layer(model)
    if own and any(own.patches.get(name) != indices for name, indices in patches.items()):
        raise ValueError(f"patches must be those of the model's windows. Got: {patches}")
    every = [i for indices in patches.values() for i in indices]
    if not every or not all(patches.values()):
        raise ValueError(f"patches must each have at least one landmark. Got: {patches}")
    if min(every) < 0 or max(every) >= count:
        raise ValueError(f"patches must contain landmarks 0 to {count - 1}. Got: {patches}")
    if len(set(every)) < len(every):
        raise ValueError(f"patches must not share a landmark. Got: {patches}")
    return patches


def _patch_loss(loss, name):
    if isinstance(loss, dict):
        loss = loss.get(name)
    return losses.get(loss) if loss is not None else losses.ENME()


def _columns(indices):
    """Returns the columns of the Dense's kernel for the x and y of landmarks."""
    return np.stack([2 * np.asarray(indices), 2 * np.asarray(indices) + 1], axis=1).ravel()


def _head(dense, shape, name, indices, local):
    """Creates a model of one patch's rows of the Dense, from features to landmarks."""
    features = keras.Input((dense.kernel.shape[0],))
    layer = keras.layers.Dense(2 * len(indices), name="offsets", dtype="float32")
    inputs, offsets = [features], layer(features)
    if local:
        maps, added = local.head(name, indices)
        inputs, offsets = [features, maps], keras.layers.Add()([offsets, added])
    head = keras.Model(
        inputs if local else features,
        ShapeOffset(shape.mean_shape[indices], shape.scale)(offsets),
    )
    kernel, bias = dense.get_weights()
    layer.set_weights([kernel[:, _columns(indices)], bias[_columns(indices)]])
    return head


def _rounds(backbone, data, local, rounds, verbose):
    """Yields the training data of the heads for each round: their inputs and the landmarks."""
    progress = keras.utils.Progbar(rounds, verbose=verbose, unit_name="round")
    for _ in range(rounds):
        features, landmarks = _features(backbone, data)
        if local:
            features[1] = local.standardise(features[1])
        yield features if local else features[0], landmarks
        progress.add(1)


def _features(backbone, data):
    """Computes the backbone's outputs of one round, a list of (faces, ...), and the landmarks."""
    if isinstance(data, tuple):
        images, landmarks = data
        outputs = backbone.predict(images, batch_size=64, verbose=0)
        return _as_list(outputs), np.asarray(landmarks)
    batches, landmarks = [], []
    for images, points in data:
        batches.append(_as_list(backbone.predict_on_batch(np.asarray(images))))
        landmarks.append(np.asarray(points))
    features = [np.concatenate(part) for part in zip(*batches, strict=True)]
    return features, np.concatenate(landmarks)


def _as_list(outputs):
    # Keras returns a single output without a list.
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _assemble(model, patches, heads):
    """Copies the model with the heads' weights in its Dense."""
    refined = keras.models.clone_model(model)
    refined.set_weights(model.get_weights())
    dense = offsets_layer(refined)
    kernel, bias = dense.get_weights()
    for name, indices in patches.items():
        columns = _columns(indices)
        kernel[:, columns], bias[columns] = heads[name].get_layer("offsets").get_weights()
    dense.set_weights([kernel, bias])
    return refined
