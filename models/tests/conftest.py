"""Shared pieces: a tiny random network, its exported folder, and drawn sequences in place of the sample data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.export.export import export_folder
from models.export.graphs import Geometry
from models.train.data.sources import Sources, Still, Video
from models.train.network import CompactTracker, NetworkConfig
from models.train.paths import data_root

GEOMETRY = Geometry(height=64, width=96, slots=3, max_objects=3)


@pytest.fixture(scope="session", autouse=True)
def two_threads() -> None:
    torch.set_num_threads(2)
    cv2.setNumThreads(0)


@pytest.fixture(scope="session", params=[False, True], ids=["reads by likeness", "newest entry too"])
def network(request: pytest.FixtureRequest) -> CompactTracker:
    torch.manual_seed(3)
    network = CompactTracker(NetworkConfig(newest_entry=request.param)).eval()
    with torch.no_grad():  # random weights as PyTorch makes them give almost constant logits; spread them so that masks have edges
        network.upsampler.out.weight.mul_(60)
        network.prompt.upsampler.out.weight.mul_(60)
        if network.config.newest_entry:
            torch.nn.init.normal_(network.newest.weight, std=0.1)
            torch.nn.init.normal_(network.newest.bias, std=0.1)
    return network


@pytest.fixture(scope="session")
def exported(network: CompactTracker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    export_folder(network, GEOMETRY, folder, "0.0.1")
    return folder


@pytest.fixture()
def data() -> Path:
    root = data_root()
    if not root.is_dir():
        pytest.skip(f"no sample data ({root} is not there; set SONOSCOPE_DATA)")
    return root


def drawn_video(length: int = 12, size: tuple[int, int] = (80, 112)) -> Video:
    frames, masks = [], []
    for step in range(length):
        image = np.full((*size, 3), 90, np.uint8)
        mask = np.zeros(size, np.uint8)
        cv2.circle(image, (30 + 3 * step, 40), 16, (220, 180, 60), -1)
        cv2.circle(mask, (30 + 3 * step, 40), 16, 1, -1)
        frames.append(image)
        masks.append(mask)
    return Video("natural", "drawn", frames, masks, (1,))


@pytest.fixture()
def drawn_sources() -> Sources:
    video = drawn_video()
    return Sources([video], [Still("natural", video.frames[0], video.masks[0]), Still("laparoscopy", video.frames[3], None)], [])
