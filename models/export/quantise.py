"""An int8 edition of a model folder: the same weights and contract, both graphs with 8-bit convolutions (static QDQ, weights per channel); for another input
size where one is given (the fp32 graphs are then made for that size first).

    python -m models.export.quantise --model models/compact --out models/compact-fast --version X [--height 256 --width 448]

Ranges of the activations come from frames of the training split, tracked by the fp32 graphs, as the 99.99th percentile after each convolution's ReLU
(quantised before it, the range of EfficientNet's first blocks is many times what ReLU6 lets through, and masks agree to .94 instead of .98 per frame). Only
convolutions are 8-bit: reading the memory is a matrix product over keys whose differences matter, and stays fp32. So do the encoder's first blocks, whose
few channels carry everything that follows (masks agree to .990 instead of .978, at no cost in time). Weights use seven of the eight bits: processors without
VNNI add pairs of products in 16 bits, which eight would overflow. Nothing is written when the masks of the int8 loop differ too much from those of the fp32 loop.

Errors: `ParityError` (folder untouched), `ValueError` (no training data).
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from models.export.export import ParityError, describe_file, export_folder, put_in_place
from models.export.golden import write_golden
from models.export.graphs import IR_VERSION, Geometry
from models.train.data.prompts import empty_planes, random_prompt
from models.train.data.sources import Sources, load_sources
from models.train.metrics import region_similarity
from models.train.network import CompactTracker, NetworkConfig
from models.train.paths import data_root
from models.train.runtime import open_graph
from models.train.track_reference import Array, ReferenceTracker
from models.train.validate import Sequence, sequences
from models.train.weights import load_from_onnx

QUANTISED_OPERATORS = ["Conv", "Clip", "Relu"]
FLOAT_LAYERS = ("network.encoder.stem.", *(f"network.encoder.blocks.{index}." for index in range(4)))
"""Weights whose convolutions stay fp32."""
PERCENTILE = 99.99
MIN_AGREEMENT = 0.985
"""Mean IoU of int8 and fp32 masks over a whole clip, each loop living on its own memories."""
CLIP_FRAMES, CLIP_STEP = 10, 4
PARITY_CLIP = "blackswan"


class _Frames(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: list[dict[str, Array]]) -> None:
        self.rest: Iterator[dict[str, Array]] = iter(feeds)

    def get_next(self) -> dict[str, Array] | None:
        return next(self.rest, None)


def calibration_feeds(model: Path, sources: Sources, seed: int = 5, every: int = 4) -> list[dict[str, Array]]:
    """Inputs of the track graph from every `every`-th training video: frames with the bank that the fp32 loop had there."""
    tracker = ReferenceTracker.open(model)
    random = np.random.default_rng(seed)
    feeds: list[dict[str, Array]] = []
    for video in sources.videos[::every]:
        start = int(random.integers(0, max(1, len(video.frames) - CLIP_FRAMES)))
        mask = video.masks[start] == video.labels[0]
        if not mask.any():
            continue
        tracker.prompt_masks(video.frames[start], [mask])
        for index in range(start + 1, min(len(video.frames), start + CLIP_FRAMES)):
            if (index - start) % CLIP_STEP == 1:
                feeds.append(tracker.feeds(video.frames[index]))
            tracker.track(video.frames[index])
    if not feeds:
        raise ValueError("no training videos to take calibration frames from")
    return feeds


def prompt_feeds(model: Path, sources: Sources, seed: int = 6, every: int = 2) -> list[dict[str, Array]]:
    """Inputs of the prompt graph from every `every`-th training video: drawn prompts, a third of them whole masks."""
    tracker = ReferenceTracker.open(model)
    height, width = tracker.manifest.height, tracker.manifest.width
    random = np.random.default_rng(seed)
    feeds: list[dict[str, Array]] = []
    for video in sources.videos[::every]:
        index = int(random.integers(len(video.frames)))
        mask = cv2.resize((video.masks[index] == video.labels[0]).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        if mask.sum() < 0.0005 * mask.size:
            continue
        given = bool(random.random() < 1 / 3)
        planes = empty_planes((height, width)) if given else random_prompt(random, mask, video.kind == "robotic")
        if given:
            planes[3] = mask * 255
        feeds.append({"frame": tracker.fit(video.frames[index]), "prompt": planes[None], "mask_given": np.array([float(given)], np.float32)})
    if not feeds:
        raise ValueError("no training videos to take calibration frames from")
    return feeds


def plain_float_graph(graph: Path, folder: Path) -> onnx.ModelProto:
    """A graph with its weights as fp32 initialisers and constants folded, as the quantiser needs it."""
    model = onnx.load(str(graph))
    half = {initializer.name: initializer for initializer in model.graph.initializer if initializer.name.endswith(".half")}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in half:
            stored = half[node.input[0]]
            model.graph.initializer.append(numpy_helper.from_array(numpy_helper.to_array(stored).astype(np.float32), node.output[0]))
            model.graph.initializer.remove(stored)
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(folder / "float.onnx"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "folded.onnx")
    onnxruntime.InferenceSession(str(folder / "float.onnx"), options, providers=["CPUExecutionProvider"])
    return onnx.load(str(folder / "folded.onnx"))


def quantise_graph(graph: Path, feeds: list[dict[str, Array]], out: Path, percentile: float | None = PERCENTILE) -> None:
    """`percentile` None: the whole range of each activation."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = plain_float_graph(graph, folder)
        calibrator = create_calibrator(
            str(folder / "folded.onnx"),
            QUANTISED_OPERATORS,
            augmented_model_path=str(folder / "observed.onnx"),
            calibrate_method=CalibrationMethod.MinMax if percentile is None else CalibrationMethod.Percentile,
            extra_options={} if percentile is None else {"percentile": percentile, "num_bins": 2048},
        )
        calibrator.collect_data(_Frames(feeds))
        ranges = calibrator.compute_data()
    maker = {output: node for node in model.graph.node for output in node.output}
    left = [node.name for node in model.graph.node if node.op_type in ("Clip", "Relu") and (node.input[0] not in maker or maker[node.input[0]].op_type != "Conv")]
    left += [node.name for node in model.graph.node if node.op_type == "Conv" and node.input[1].startswith(FLOAT_LAYERS)]
    quantiser = QDQQuantizer(copy.deepcopy(model), True, True, QuantType.QInt8, QuantType.QUInt8, ranges, [], left, QUANTISED_OPERATORS, {})
    quantiser.quantize_model()
    quantiser.model.topological_sort()
    result: onnx.ModelProto = quantiser.model.model
    result.ir_version = IR_VERSION
    used = {node.domain for node in result.graph.node}
    imports = [opset for opset in result.opset_import if opset.domain in used or opset.domain in ("", "ai.onnx")]
    del result.opset_import[:]
    result.opset_import.extend(imports)
    del result.metadata_props[:]
    result.producer_name, result.producer_version, result.doc_string = "sonoscope", "", f"compact tracker, {graph.stem} graph, int8"
    onnx.checker.check_model(result, full_check=True)
    out.write_bytes(result.SerializeToString())


def loop_masks(model: Path, sequence: Sequence, graphs: Path | None = None) -> list[Array]:
    """Masks of a whole sequence, first mask given; with `graphs` that folder's graphs in the same loop."""
    tracker = ReferenceTracker.open(model)
    if graphs is not None:
        tracker.prompt_session, tracker.track_session = (open_graph(graphs / name) for name in ("prompt.onnx", "track.onnx"))
    tracker.prompt_masks(sequence.frame(0), [sequence.truth(0)])
    manifest = tracker.manifest
    return [tracker.track(sequence.frame(index)).mask(0, manifest.height, manifest.width) for index in range(1, sequence.length)]


def agreement(model: Path, graphs: Path, root: Path, clip: str = PARITY_CLIP) -> float:
    """Mean IoU between the masks of the model's own graphs and those in folder `graphs` over `clip`."""
    sequence = next(sequence for sequence in sequences("natural", root) if sequence.name == clip)
    pairs = zip(loop_masks(model, sequence, graphs), loop_masks(model, sequence), strict=True)
    return float(np.mean([region_similarity(ours, theirs) for ours, theirs in pairs]))


def at_size(model: Path, manifest: dict[str, Any], folder: Path, height: int, width: int) -> tuple[Path, dict[str, Any]]:
    """The same weights and constants for another input size -> folder and its manifest."""
    network = CompactTracker(NetworkConfig(**manifest["training"]["network"]))
    load_from_onnx(network, model)
    training = {name: value for name, value in manifest["training"].items() if name not in ("network", "parity")}
    geometry = Geometry(height, width, manifest["memory"]["slots"])
    return folder, export_folder(network, geometry, folder, manifest["version"], manifest["calibration"], training)


def quantise_folder(model: Path, out: Path, version: str, root: Path, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """`size`: height, width of the edition, None for the model's own. -> the manifest that was written."""
    manifest: dict[str, Any] = json.loads((model / "model.json").read_text())
    of = {"name": manifest["name"], "version": manifest["version"], "track": manifest["graphs"]["track"]["sha256"]}
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".quantise-") as temporary:
        if size not in (None, (manifest["input"]["height"], manifest["input"]["width"])):
            assert size is not None
            model, manifest = at_size(model, manifest, Path(temporary) / "fp32", *size)
        folder = Path(temporary) / "int8"
        folder.mkdir()
        sources = load_sources(root)
        quantise_graph(model / "prompt.onnx", prompt_feeds(model, sources), folder / "prompt.onnx")
        quantise_graph(model / "track.onnx", calibration_feeds(model, sources), folder / "track.onnx")
        agreed = agreement(model, folder, root)
        if agreed < MIN_AGREEMENT:
            raise ParityError(f"int8 masks agree with fp32 masks to {agreed:.3f} over {PARITY_CLIP}, less than {MIN_AGREEMENT}")
        manifest |= {"name": out.name, "version": version}
        for name in ("prompt", "track"):
            manifest["graphs"][name] |= describe_file(folder / f"{name}.onnx")
        # 8-bit arithmetic differs a little between processors; a wrong provider differs by much more.
        manifest["golden"]["tolerance"] = {"logits": 1.5, "iou": 0.06}
        manifest["training"]["quantisation"] = {
            "of": of,
            "scheme": "static QDQ, convolutions behind the encoder's first blocks, weights int8 per channel (7 bits), activations uint8",
            "percentile": PERCENTILE,
            "maskAgreement": {"clip": PARITY_CLIP, "meanIou": round(agreed, 4)},
        }
        write_golden(folder, manifest)
        put_in_place(folder, manifest, out)
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the fp32 model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--height", type=int, help="of the input, in pixels; with --width")
    parser.add_argument("--width", type=int)
    arguments = parser.parse_args()
    if (arguments.height is None) != (arguments.width is None):
        parser.error("--height and --width go together")
    size = None if arguments.height is None else (arguments.height, arguments.width)
    manifest = quantise_folder(arguments.model, arguments.out, arguments.version, data_root(), size)
    print("track", manifest["graphs"]["track"]["bytes"], "bytes, mask agreement", manifest["training"]["quantisation"]["maskAgreement"])


if __name__ == "__main__":
    main()
