"""`dlspec schema`."""

import json
import sys


def schema() -> None:
    """Print the JSON Schema of experiment files, for editors."""
    from dlspec.config.experiment import Experiment

    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Experiment.model_json_schema()}
    sys.stdout.write(json.dumps(content, indent=2) + "\n")
