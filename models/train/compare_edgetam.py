"""EdgeTAM's network beside ours, milliseconds per frame: same clip, same machine, same threads, in turns. Random weights, so speed only.

    pip install transformers==5.24.0 pillow && pip install --no-deps timm==1.0.31 torchvision==0.28.0     # needed for nothing else, so not in requirements.txt
    python -m models.train.compare_edgetam --model models/compact --frames FOLDER [--mask FIRST.png] [--threads 2] [--out FILE.json]

EdgeTAM (Zhou et al. 2025) as published: RepViT-M1, 1024 x 1024, two layers of memory attention over the latents of seven entries; built from its configuration
in Hugging Face transformers and run with PyTorch, the runtime it is published for. Ours runs as it ships, on ONNX Runtime. Both get one object, both see the
frames in order with a filling memory; the first WARM frames are left out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from models.train.track_reference import ReferenceTracker, read_rgb

EDGETAM_SIZE = 1024
WARM, TIMED = 7, 8


def build_edgetam() -> Any:
    library = torch.library.Library("torchvision", "DEF")  # torchvision without its compiled part: operators that are named there and never called here
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from transformers import EdgeTamVideoConfig, EdgeTamVideoModel, EdgeTamVisionConfig, TimmWrapperConfig

    backbone = TimmWrapperConfig(architecture="repvit_m1.dist_in1k", model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]})
    config = EdgeTamVideoConfig(vision_config=EdgeTamVisionConfig(backbone_config=backbone))
    torch.manual_seed(0)
    return EdgeTamVideoModel(config).eval(), library


def edgetam_session(frames: list[Any], mask: Any) -> Any:
    from transformers.models.edgetam_video.modeling_edgetam_video import EdgeTamVideoInferenceSession

    size = (EDGETAM_SIZE, EDGETAM_SIZE)
    video = torch.stack([torch.from_numpy(cv2.resize(frame, size)).permute(2, 0, 1).float() / 255 - 0.5 for frame in frames])
    session = EdgeTamVideoInferenceSession(video=video, video_height=EDGETAM_SIZE, video_width=EDGETAM_SIZE, dtype=torch.float32)
    index = session.obj_id_to_idx(1)
    given = torch.from_numpy(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)).float()[None, None]
    session.add_mask_inputs(index, 0, given)
    session.obj_with_new_inputs = [1]
    return session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, nargs="+", required=True)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--mask", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    paths = sorted(arguments.frames.glob("*.[jp][pn]g"))[: 1 + WARM + TIMED]
    frames = [read_rgb(path) for path in paths]
    first = cv2.imread(str(arguments.mask), cv2.IMREAD_GRAYSCALE)
    if first is None or len(frames) < 1 + WARM + TIMED:
        parser.error("no readable mask, or too few frames")
    network, _ = build_edgetam()
    session = edgetam_session(frames, first > 0)
    trackers = {folder.name: ReferenceTracker.open(folder, threads=arguments.threads) for folder in arguments.model}
    taken: dict[str, list[float]] = {"EdgeTAM": [], **{name: [] for name in trackers}}
    with torch.inference_mode():
        network(inference_session=session, frame_idx=0)
        for tracker in trackers.values():
            tracker.prompt_masks(frames[0], [first > 0])
        for index in range(1, len(frames)):
            started = time.perf_counter()
            network(inference_session=session, frame_idx=index)
            taken["EdgeTAM"].append(time.perf_counter() - started)
            for name, tracker in trackers.items():
                feeds = tracker.feeds(frames[index])
                started = time.perf_counter()
                tracker.track_session.run(None, feeds)
                taken[name].append(time.perf_counter() - started)
                tracker.track(frames[index])
    parameters = sum(parameter.numel() for parameter in network.parameters())
    result = {
        "threads": arguments.threads,
        "frames": TIMED,
        "edgetam_million_parameters": round(parameters / 1e6, 1),
        "ms_per_frame": {name: round(1000 * float(np.median(seconds[WARM:])), 1) for name, seconds in taken.items()},
    }
    print(json.dumps(result))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
