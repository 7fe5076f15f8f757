"""The training loop: it yields events, and knows nothing of files, settings or the terminal."""
