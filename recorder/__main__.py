"""Start ``rec``, as the command or as ``python -m recorder``; nothing else."""

from __future__ import annotations

import sys

from recorder.cli import main

if __name__ == "__main__":
    sys.exit(main())
