"""`python -m starter.cli` is `atlas`."""

import sys

from starter.cli import main

sys.exit(main())
