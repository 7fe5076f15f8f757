"""What several measurements say together: pure functions of arrays, no files, no settings, no terminal."""
