"""`dlspec show CONFIG`."""

import sys

from dlspec.cli import options


def show(config: options.Config, overrides: options.Set = None) -> None:
    """Print an experiment with every default written out."""
    from dlspec.config import loader, yaml_tree

    sys.stdout.write(yaml_tree.dump(loader.load(config, overrides or ()).experiment.model_dump()))
