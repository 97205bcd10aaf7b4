"""PyTorch against ONNX Runtime, what a folder says about itself, and that a failed check writes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.export import export as export_module
from models.export.export import ParityError, check_parity, export_folder
from models.export.graphs import INPUTS, Geometry, TrackGraph, example_inputs
from models.tests.conftest import GEOMETRY, drawn_video
from models.train.network import CompactTracker
from models.train.paths import MODELS
from models.train.track_reference import ReferenceTracker
from models.train.weights import load_from_onnx


def test_logits_agree_with_random_weights(exported: Path, network: CompactTracker) -> None:
    for graph in ("prompt", "track"):
        assert check_parity(graph, exported / f"{graph}.onnx", network, GEOMETRY) <= 1e-3


def test_masks_agree_over_a_clip_with_the_memory_loop(exported: Path, network: CompactTracker) -> None:
    video = drawn_video(length=8)
    tracker = ReferenceTracker.open(exported, policy="sam2")
    keys: list[torch.Tensor] = []
    values: list[torch.Tensor] = []
    scores: list[float] = []
    for index, (image, mask) in enumerate(zip(video.frames, video.masks, strict=True)):
        output = tracker.prompt_masks(image, [mask]) if index == 0 else tracker.track(image)
        frame = network.encode(torch.from_numpy(tracker.fit(image)).permute(0, 3, 1, 2).float())
        with torch.no_grad():
            if index == 0:
                # the prompt entry comes from the given mask: take it as the graph encoded it
                keys, values, scores = [torch.from_numpy(tracker.banks[0][0].key)], [torch.from_numpy(tracker.banks[0][0].value)], [1.0]
                continue
            slots = GEOMETRY.slots
            picked = [0, *range(max(1, len(keys) - slots + 1), len(keys))]
            key = torch.stack([keys[i] for i in picked])[None]
            value = torch.stack([values[i] for i in picked])[None]
            score = torch.tensor([[scores[i] for i in picked]])
            result = network.decode(frame, network.read(frame, key, value, score, torch.ones_like(score)))
            keys.append(frame.key[0])
            values.append(network.memorise(frame, network.remembered(result.logits))[0])
            scores.append(float(result.iou[0]))
        ours, theirs = output.logits[0], result.logits[0].numpy()
        assert np.abs(ours - theirs).max() <= 1e-3
        certain = np.abs(theirs) > 1e-3
        assert np.array_equal((ours > 0)[certain], (theirs > 0)[certain])


def test_what_an_unused_slot_holds_does_not_matter(exported: Path, network: CompactTracker) -> None:
    session = onnxruntime.InferenceSession(str(exported / "track.onnx"), providers=["CPUExecutionProvider"])
    feeds = {name: tensor.numpy() for name, tensor in zip(INPUTS["track"], example_inputs("track", network, GEOMETRY, 1), strict=True)}
    feeds["memory_valid"] = np.array([[1, 1, 0]], np.float32)
    expected = session.run(["logits"], feeds)[0]
    for garbage in (0.0, 1e6, np.nan, np.inf):
        changed = {name: value.copy() for name, value in feeds.items()}
        changed["memory_key"][:, 2] = garbage
        changed["memory_value"][:, 2] = garbage
        assert np.array_equal(session.run(["logits"], changed)[0], expected), garbage


def test_objects_of_one_call_do_not_influence_each_other(exported: Path, network: CompactTracker) -> None:
    session = onnxruntime.InferenceSession(str(exported / "track.onnx"), providers=["CPUExecutionProvider"])
    feeds = {name: tensor.numpy() for name, tensor in zip(INPUTS["track"], example_inputs("track", network, GEOMETRY, 3), strict=True)}
    together = session.run(["logits"], feeds)[0]
    alone = session.run(["logits"], {name: value if name == "frame" else value[1:2] for name, value in feeds.items()})[0]
    assert np.abs(together[1] - alone[0]).max() <= 1e-3


def test_a_given_mask_is_reproduced(exported: Path) -> None:
    video = drawn_video(length=1, size=(64, 96))
    tracker = ReferenceTracker.open(exported)
    output = tracker.prompt_masks(video.frames[0], [video.masks[0]])
    predicted = output.mask(0, 64, 96)
    truth = video.masks[0] > 0
    assert (predicted & truth).sum() / (predicted | truth).sum() > 0.95
    assert output.iou[0] == 1.0 and output.presence[0] > 0


def test_weights_read_back_from_the_graphs_are_the_exported_ones(exported: Path, network: CompactTracker) -> None:
    again = CompactTracker(network.config)
    load_from_onnx(again, exported)
    for (name, ours), theirs in zip(network.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_failed_parity_writes_nothing(tmp_path: Path, network: CompactTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> float:
        raise ParityError("differs")

    monkeypatch.setattr(export_module, "check_parity", fail)
    monkeypatch.setattr(export_module, "export_graph", lambda graph, network, geometry, path: path.write_bytes(b"x"))
    with pytest.raises(ParityError):
        export_folder(network, GEOMETRY, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_parity_check_notices_other_weights(exported: Path, network: CompactTracker) -> None:
    other = CompactTracker().eval()
    with pytest.raises(ParityError):
        check_parity("track", exported / "track.onnx", other, GEOMETRY)


@pytest.mark.parametrize("folder", ["exported", "compact"])
def test_folder_describes_its_files(folder: str, exported: Path) -> None:
    path = exported if folder == "exported" else MODELS / "compact"
    manifest = json.loads((path / "model.json").read_text())
    assert manifest["schemaVersion"] == 1 and manifest["kind"] == "tracker"
    total = 0
    for description in manifest["graphs"].values():
        data = (path / description["file"]).read_bytes()
        total += len(data)
        assert hashlib.sha256(data).hexdigest() == description["sha256"] and len(data) == description["bytes"]
        model = onnx.load_from_string(data)
        assert model.ir_version <= 10 and all(entry.version <= 20 for entry in model.opset_import if entry.domain == "")
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        assert [(item.name, list(item.shape)) for item in session.get_inputs()] == [(item["name"], item["shape"]) for item in description["inputs"]]
        assert [(item.name, list(item.shape)) for item in session.get_outputs()] == [(item["name"], item["shape"]) for item in description["outputs"]]
    assert total <= 24_000_000


@pytest.mark.parametrize("folder", ["exported", "compact"])
def test_golden_cases_are_reproduced(folder: str, exported: Path) -> None:
    from models.tests.golden_reader import run_golden

    run_golden(exported if folder == "exported" else MODELS / "compact")


def test_exported_graphs_hold_no_path_of_the_machine(exported: Path) -> None:
    for file in ("prompt.onnx", "track.onnx"):
        data = (exported / file).read_bytes()
        assert b"/site-packages/" not in data and str(Path.home()).encode() not in data


def test_track_graph_runs_without_recent_slots() -> None:
    network = CompactTracker().eval()
    inputs = example_inputs("track", network, Geometry(64, 64, slots=3), 1)
    frame, key, value, score, valid = inputs
    with torch.no_grad():
        outputs = TrackGraph(network)(frame, key[:, :1], value[:, :1], score[:, :1], valid[:, :1])
    assert outputs[0].shape == (1, 16, 16)
