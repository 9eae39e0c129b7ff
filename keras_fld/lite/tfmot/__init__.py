"""What tensorflow-model-optimization adds: training for int8, pruning and clustering.

Nothing outside this folder depends on that library.
"""
