"""The int8 edition keeps the contract, quantises what it says, and is not written when its masks differ."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from models.export import quantise as quantise_module
from models.export.export import ParityError
from models.export.graphs import INPUTS, example_inputs
from models.export.quantise import FLOAT_LAYERS, quantise_folder, quantise_graph
from models.tests.conftest import GEOMETRY
from models.train.network import CompactTracker
from models.train.paths import MODELS


Feeds = list[dict[str, np.ndarray]]


@pytest.fixture()
def feeds(network: CompactTracker) -> dict[str, Feeds]:
    """Of each graph."""
    return {
        graph: [{name: tensor.numpy() for name, tensor in zip(INPUTS[graph], example_inputs(graph, network, GEOMETRY, 1, seed), strict=True)} for seed in range(3)]
        for graph in ("prompt", "track")
    }


@pytest.mark.parametrize("graph_name", ["prompt", "track"])
def test_the_contract_stays_and_convolutions_become_eight_bit(graph_name: str, exported: Path, feeds: dict[str, Feeds], tmp_path: Path) -> None:
    source, out = exported / f"{graph_name}.onnx", tmp_path / f"{graph_name}.onnx"
    quantise_graph(source, feeds[graph_name], out, percentile=None)  # a random network has constant activations: no histogram
    before, after = (onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in (source, out))
    for ours, theirs in ((before.get_inputs(), after.get_inputs()), (before.get_outputs(), after.get_outputs())):
        assert [(value.name, value.type) for value in ours] == [(value.name, value.type) for value in theirs]
    graph = onnx.load(str(out)).graph
    maker = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    kept = [node for node in convolutions if node.input[1].startswith(FLOAT_LAYERS)]
    assert 0 < len(kept) < len(convolutions) / 3
    for node in convolutions:
        assert (maker.get(node.input[1]) == "DequantizeLinear") == (node not in kept), node.name
        assert node in kept or maker.get(node.input[0]) == "DequantizeLinear", node.name
    # seven bits: pairs of products fit into 16 on processors without VNNI
    weights = [onnx.numpy_helper.to_array(item) for item in graph.initializer if item.data_type == onnx.TensorProto.INT8]
    assert weights and all(abs(weight.astype(int)).max() <= 64 for weight in weights)
    # per object count as well: the graph still takes several objects
    two = {name: np.concatenate([array, array]) if name != "frame" else array for name, array in feeds[graph_name][0].items()}
    assert after.run(None, two)[0].shape[0] == 2


def test_nothing_is_written_when_masks_differ(exported: Path, feeds: dict[str, Feeds], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise_module, "load_sources", lambda root: None)
    monkeypatch.setattr(quantise_module, "calibration_feeds", lambda model, sources: feeds["track"])
    monkeypatch.setattr(quantise_module, "prompt_feeds", lambda model, sources: feeds["prompt"])
    monkeypatch.setattr(quantise_module, "quantise_graph", lambda graph, feeds, out: quantise_graph(graph, feeds, out, None))
    monkeypatch.setattr(quantise_module, "agreement", lambda *arguments: 0.5)
    with pytest.raises(ParityError, match="0.500"):
        quantise_folder(exported, tmp_path / "out", "1.0.0", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("edition", ["compact-fast", "compact-light"])
def test_a_shipped_edition_names_what_it_was_made_from(edition: str) -> None:
    fast, full = (json.loads((MODELS / name / "model.json").read_text()) for name in (edition, "compact"))
    made_from = fast["training"]["quantisation"]["of"]
    assert made_from == {"name": "compact", "version": full["version"], "track": full["graphs"]["track"]["sha256"]}
    assert fast["memory"]["slots"] == full["memory"]["slots"] and fast["policy"] == full["policy"]
