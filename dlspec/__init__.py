"""dlspec: config-driven deep learning experiments on a NumPy core.

`import dlspec` is cheap on purpose (the command line's `--help` pays for it); the Python twin of
the command line is `dlspec.runner`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
