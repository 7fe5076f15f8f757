"""What an experiment is: one module per section of the YAML file, and the loader."""
