"""Shared internals of the package: files, images, progress, the version. Not part of the API."""
