"""`python -m photosynth.cli` is the command."""

import sys

from photosynth.cli import main

sys.exit(main())
