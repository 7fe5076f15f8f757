"""The run directory: everything that a run leaves behind, and the only place that writes."""
