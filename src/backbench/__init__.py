"""backbench: which backbone, compressed how, run by which runtime."""

__version__ = "0.1.0"
