"""The command line: one file per command, which parses, calls one function and renders.

Heavy packages are imported inside the commands, so that `--help` starts in a tenth of a second.
"""

import gc

# Imports make many objects that stay: looking for garbage among them again and again took 6 % of a short training.
gc.set_threshold(100_000)
