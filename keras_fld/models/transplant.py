"""Copies the weights of a trained network to one with different numbers of filters."""

import keras
import numpy as np

from keras_fld.models.layers import offsets_layer
from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets

# Layers with their own output channels.
_CHANGING = (keras.layers.Conv2D, keras.layers.Dense, WindowedOffsets)


def transplant(trained: keras.Model, network: keras.Model) -> None:
    """Copies a network's weights into one with the same layers, but different numbers of filters.

    If the new network has fewer filters, it gets those whose outputs have the largest weights in
    the following layers. If it has more, the additional filters keep their random weights, but the
    following layers have zero weights for them, so the output does not change. Layers are matched
    by name. If poolings are in different positions, the weights are only a starting point. A
    `SampledOffsets` that only the new network has starts with zero corrections.

    Args:
        trained: a Keras model of convolutions, BatchNorm, poolings, sums, one Dense,
            `WindowedOffsets` and `SampledOffsets`, such as TRNet-20.
        network: a model with layers of the same names, whose weights are set.

    Raises:
        ValueError: the layers differ, or their shapes differ in more than the number of filters.

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
    kept = [layer for layer in network.layers if layer.name not in added]
    sources = [trained.get_layer(layer.name) for layer in kept]
    if all(_shapes(a) == _shapes(b) for a, b in zip(sources, kept, strict=True)):
        for source, layer in zip(sources, kept, strict=True):
            layer.set_weights(source.get_weights())
        return
    channels = _Channels(trained, network)
    for source, layer in zip(sources, kept, strict=True):
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
                f"layer {layer.name!r} must differ only in the number of filters. "
                f"Got: {[w.shape for w in old]} and {[w.shape for w in new]}"
            ) from error


def _shapes(layer):
    return [weight.shape for weight in layer.weights]


def transplant_body(trained: keras.Model, network: keras.Model) -> list[str]:
    """Copies all weights except the head's, for networks with different landmarks.

    Args:
        trained, network: as in `transplant`; their heads may differ.

    Returns:
        Names of the layers whose weights were copied.

    Raises:
        ValueError: as in `transplant`.

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
    """Maps each channel of the new network to a channel of the trained one, -1 for none.

    Tensors that are added together share their channels.
    """

    def __init__(self, trained, network):
        self._network, self._group = network, {}  # from a tensor's id to its group's representative
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
        """Computes the importance of each channel of the trained network, by group."""
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
        """The map of a layer's input channels; None for the channels of the image."""
        return self._map.get(self._root(id(_seen(layer))))

    def out_of(self, layer):
        """The map of a layer's output channels; None if no following layer depends on them."""
        return self._map.get(self._root(id(layer.output)))


def _seen(layer):
    """The tensor whose channels a layer's kernel listens to: the last of its inputs."""
    return keras.tree.flatten(layer.input)[-1]


def _listening(layer):
    """Returns a layer's kernels, each as (array, axis of the input channels)."""
    if isinstance(layer, WindowedOffsets):
        kernels = [layer.get_patch(name)[1] for name in layer.patches]
        return [(k.reshape(-1, layer.windows, k.shape[-1]), 0) for k in kernels]
    kernel = layer.get_weights()[0]
    return [(kernel, kernel.ndim - 2)]


def _chosen(weights, wanted):
    """Returns the source of each new channel: (wanted,) integers, -1 for none."""
    if wanted >= len(weights):
        return np.append(np.arange(len(weights)), np.full(wanted - len(weights), -1))
    return np.sort(np.argsort(-weights, kind="stable")[:wanted])


def _parts(layer, old, new, before, after):
    """Yields each weight's old and new array, and the maps of its input and output channels."""
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
    """Copies `old` into `new` where they match. New inputs of old channels get zero weights."""
    if rows is None and columns is None:
        return old  # of the same shape, otherwise `set_weights` raises an error
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
