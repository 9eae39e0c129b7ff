"""Quantization-aware training, pruning and clustering with tensorflow-model-optimization.

Nothing outside this folder depends on that library.
"""
