"""Numbers in, findings out: pure functions, no files, no settings, no terminal."""
