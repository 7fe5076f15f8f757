"""`python -m dlspec` is the command `dlspec`."""

from dlspec.cli.app import main

if __name__ == "__main__":
    main()
