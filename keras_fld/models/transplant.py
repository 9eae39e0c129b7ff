"""Weights of a trained network for one with other numbers of filters."""

import keras
import numpy as np

from keras_fld.models.layers import offsets_layer
from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets

# Layers whose outputs have channels of their own.
_CHANGING = (keras.layers.Conv2D, keras.layers.Dense, WindowedOffsets)


def transplant(trained: keras.Model, network: keras.Model) -> None:
    """Copies a network's weights into one with the same layers, but other numbers of filters.

    Where there are fewer filters, those are kept whose outputs weigh most in the layers after them;
    where there are more, the new ones keep their random weights and are not yet listened to, so
    that the network computes what the trained one did. Layers are matched by name, so a pooling may
    stand elsewhere: the weights are then a start only. A `SampledOffsets` that only the new network
    has begins with corrections of zero.

    Args:
        trained: a Keras model whose layers are convolutions, BatchNorm, poolings, sums, one Dense,
            `WindowedOffsets` and `SampledOffsets`, such as TRNet-20.
        network: a model with layers of the same names; its weights are set.

    Raises:
        ValueError: the layers differ, or their shapes differ in more than numbers of filters.

    Examples:
        >>> thin = TRNet20(68, stem=(16, 16, 32))
        >>> transplant(TRNet20(68), thin)
    """
    names = [{layer.name for layer in model.layers} for model in (trained, network)]
    looks = {x.name for x in network.layers if isinstance(x, SampledOffsets)}
    added = looks - names[0]
    names[1] -= added
    if names[0] != names[1]:
        odd = min(names[0] ^ names[1])
        raise ValueError(
            f"a network to transplant into must have the trained one's layers. Got: {odd!r}"
        )
    channels = _Channels(trained, network)
    for layer in network.layers:
        if layer.name in added:
            continue
        source = trained.get_layer(layer.name)
        old, new = source.get_weights(), layer.get_weights()
        if not new:
            continue
        before, after = channels.into(layer), channels.out_of(layer)
        try:
            layer.set_weights(
                [_filled(o, n, *part) for o, n, *part in _parts(layer, old, new, before, after)]
            )
        except (IndexError, ValueError) as error:
            raise ValueError(
                f"layer {layer.name!r} must differ in numbers of filters alone. "
                f"Got: {[w.shape for w in old]} and {[w.shape for w in new]}"
            ) from error


def transplant_body(trained: keras.Model, network: keras.Model) -> list[str]:
    """Copies all weights but the head's: for other landmarks than the trained network's.

    Args:
        trained, network: as of `transplant`; their heads may be of any kind.

    Returns:
        Names of the layers whose weights were taken.

    Raises:
        ValueError: as `transplant`.

    Examples:
        >>> transplant_body(TRNet20(68), TRNet20(98))[-1]
        'stage4b_2_bn'
    """
    bodies = [
        keras.Model(model.inputs[0], offsets_layer(model).input) for model in (trained, network)
    ]
    transplant(*bodies)
    return [layer.name for layer in bodies[1].layers if layer.weights]


class _Channels:
    """Which of the trained network's channels each channel of the new one is, -1 for none.

    Tensors that a sum adds share their channels.
    """

    def __init__(self, trained, network):
        self._network, self._group = network, {}  # id of a tensor to the tensor that stands for it
        for layer in network.layers:
            inputs = keras.tree.flatten(layer.input)
            out = id(layer.output)
            if isinstance(layer, (keras.layers.InputLayer, *_CHANGING)):
                self._group[out] = out
            elif isinstance(layer, SampledOffsets):
                self._group[out] = self._root(id(inputs[0]))  # its map's channels end here
            else:
                first = self._root(id(inputs[0]))
                self._group[out] = first
                for other in inputs[1:]:
                    self._group[self._root(id(other))] = first
        weights = self._importance(trained)
        self._map: dict[int, np.ndarray] = {}
        for layer in network.layers:
            root = self._root(id(layer.output))
            if root in weights and root not in self._map:
                self._map[root] = _chosen(weights[root], layer.output.shape[-1])

    def _root(self, tensor):
        while self._group[tensor] != tensor:
            tensor = self._group[tensor]
        return tensor

    def _importance(self, trained):
        """How much each channel of the trained network weighs, by group."""
        scale: dict[int, np.ndarray] = {}
        heard: dict[int, np.ndarray] = {}
        own = {layer.name for layer in trained.layers}
        for layer in self._network.layers:
            if layer.name not in own:
                continue
            source = trained.get_layer(layer.name)
            if isinstance(layer, keras.layers.BatchNormalization):
                root = self._root(id(layer.output))
                gamma, beta = (np.abs(w) for w in source.get_weights()[:2])
                scale[root] = scale.get(root, 0) + gamma + beta
            elif isinstance(layer, (*_CHANGING, SampledOffsets)):
                root = self._root(id(_seen(layer)))
                rows = sum(
                    np.abs(w).sum(axis=tuple(i for i in range(w.ndim) if i != axis))
                    for w, axis in _listening(source)
                )
                heard[root] = heard.get(root, 0) + rows
        return {root: scale.get(root, 1) * rows for root, rows in heard.items()}

    def into(self, layer):
        """The map of a layer's input channels, None where the number is the images' own."""
        return self._map.get(self._root(id(_seen(layer))))

    def out_of(self, layer):
        """The map of a layer's output channels, None where nothing after it counts channels."""
        return self._map.get(self._root(id(layer.output)))


def _seen(layer):
    """The tensor whose channels a layer's kernel listens to: the last of its inputs."""
    return keras.tree.flatten(layer.input)[-1]


def _listening(layer):
    """A layer's kernels, each as (array, axis of the input channels)."""
    if isinstance(layer, WindowedOffsets):
        kernels = [layer.get_patch(name)[1] for name in layer.patches]
        return [(k.reshape(-1, layer.windows, k.shape[-1]), 0) for k in kernels]
    kernel = layer.get_weights()[0]
    return [(kernel, kernel.ndim - 2)]


def _chosen(weights, wanted):
    """Source of each of the wanted channels: (wanted,) integers, -1 for a new one."""
    if wanted >= len(weights):
        return np.append(np.arange(len(weights)), np.full(wanted - len(weights), -1))
    return np.sort(np.argsort(-weights, kind="stable")[:wanted])


def _parts(layer, old, new, before, after):
    """Yields each weight's old and new array with the maps of its input and output channels."""
    for i, (o, n) in enumerate(zip(old, new, strict=True)):
        if isinstance(layer, WindowedOffsets):
            kernel = i % 3 == 1  # windows, kernel, bias of each patch
            rows = None
            if kernel and before is not None:
                w = layer.windows
                rows = np.where(before[:, None] < 0, -1, before[:, None] * w + np.arange(w)).ravel()
            yield o, n, rows, None
        elif isinstance(layer, SampledOffsets):
            yield o, n, before if i == 0 else None, None  # the first mixes the map's channels
        elif n.ndim > 1:
            yield o, n, before, after
        else:
            yield o, n, None, after


def _filled(old, new, rows, columns):
    """`new` with what of `old` it has a place for; zero where old channels listen to new ones."""
    if rows is None and columns is None:
        return old  # of one shape, or `set_weights` says so
    kept = np.arange(new.shape[-1]) if columns is None else columns
    columns_new, columns_old = np.flatnonzero(kept >= 0), kept[kept >= 0]
    new = new.copy()
    if new.ndim == 1:
        new[columns_new] = old[columns_old]
        return new
    heard = np.arange(new.shape[-2]) if rows is None else rows
    rows_new, rows_old = np.flatnonzero(heard >= 0), heard[heard >= 0]
    new[..., columns_new] = 0
    new[..., rows_new[:, None], columns_new] = old[..., rows_old[:, None], columns_old]
    return new
