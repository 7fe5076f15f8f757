"""One experiment, three times: as a file for dlspec, and as the program one would write with a library."""
