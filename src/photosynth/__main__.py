"""`python -m photosynth` is the command."""

import sys

from photosynth.cli import main

if __name__ == "__main__":
    sys.exit(main())
