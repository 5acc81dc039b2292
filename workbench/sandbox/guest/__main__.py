"""Starts the guest from its folder: `python3 -I -S FOLDER SETTINGS`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # asyncio can do without ssl, and loading it takes a tenth of the start under gVisor.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    # Python runs a folder as if its modules stood alone, with the folder first on the path; they are a package.
    here = Path(__file__).resolve().parent
    del sys.path[0]
    sys.path.append(str(here.parent))
    importlib.import_module(f"{here.name}.service").main(sys.argv[1:])
