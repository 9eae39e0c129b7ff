"""The package's version, without importing the package."""

__version__ = "0.1.0"
