"""The command line: one file per command, which parses, calls one function and renders.

Heavy packages are imported inside the commands, so that `--help` starts in a tenth of a second.
"""
