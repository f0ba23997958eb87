"""`python -m pycnn.cli` is the command `pycnn`."""

import sys

from pycnn.cli import main

sys.exit(main())
