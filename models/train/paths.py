"""Folders of the repository and of the sample data."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "models"
WORK = REPOSITORY / ".sonoscope" / "train"
"""Runs, caches and sheets; git ignores it."""


def data_root() -> Path:
    """Sample data: `SONOSCOPE_DATA`, else `../shared/data` beside the repository (see its README for content and licences)."""
    return Path(os.environ.get("SONOSCOPE_DATA") or REPOSITORY.parent / "shared" / "data")
