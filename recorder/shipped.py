"""Files of ours that are no Python: what stands in shell/, completions/ and player/.

Here may live only where they are found. A wheel carries them inside the package, a checkout beside it.
"""

from __future__ import annotations

from pathlib import Path

from recorder.errors import Refused

_PACKAGE = Path(__file__).parent


def find(name: str) -> Path:
    """Return the path of a file such as ``shell/hooks.bash``; raises Refused where it is missing."""
    for place in (_PACKAGE, _PACKAGE.parent):
        if (place / name).is_file():
            return place / name
    raise Refused(f"could not find {name}: this installation of rec is not whole", advice="install rec again")
