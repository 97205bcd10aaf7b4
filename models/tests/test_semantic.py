"""Semantic training: what the pictures, the network and the figures promise. Pictures need the sample data and are skipped without it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.export.semantic import export_folder
from models.train.paths import data_root
from models.train.runtime import open_graph
from models.train.semantic.cines import chords, cine
from models.train.semantic.echo_pictures import camus, reshaped
from models.train.semantic.measure import dice, largest_component, volume_by_disks
from models.train.semantic.steady import steadied
from models.train.semantic.network import SemanticNetwork, load_exported, load_imagenet

needs_camus = pytest.mark.skipif(not (data_root() / "camus-4ch").is_dir(), reason="no CAMUS pictures beside the repository")


def ellipse(half_width: float, half_length: float, side: int = 400, tilt: float = 0.0) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] + 0.5
    x, y = columns - side / 2, rows - side / 2
    across, along = np.cos(tilt) * x + np.sin(tilt) * y, -np.sin(tilt) * x + np.cos(tilt) * y
    return (across / half_width) ** 2 + (along / half_length) ** 2 < 1


@pytest.mark.parametrize("tilt", [0.0, 0.4, -0.7])
def test_disks_give_the_volume_of_an_ellipsoid(tilt: float) -> None:
    cavity = ellipse(50, 120, tilt=tilt)
    truth = 4 / 3 * np.pi * 50 * 50 * 120
    assert volume_by_disks(cavity, np.zeros_like(cavity)) == pytest.approx(truth, rel=0.02)


def test_disks_give_the_ejection_fraction_of_a_cavity_that_narrows() -> None:
    none = np.zeros((400, 400), bool)
    diastole, systole = volume_by_disks(ellipse(50, 120), none), volume_by_disks(ellipse(35, 110), none)
    truth = 1 - (35 * 35 * 110) / (50 * 50 * 120)
    assert 1 - systole / diastole == pytest.approx(truth, abs=0.01)


def test_no_cavity_has_no_volume() -> None:
    assert np.isnan(volume_by_disks(np.zeros((20, 20), bool), np.zeros((20, 20), bool)))


def test_specks_beside_the_largest_part_do_not_count() -> None:
    mask = ellipse(50, 120)
    speckled = mask.copy()
    speckled[:5, :5] = True
    assert dice(largest_component(speckled), mask) == 1.0


def test_network_says_class_view_and_quality_at_any_size_of_whole_32s() -> None:
    network = SemanticNetwork(4)
    load_imagenet(network)
    network.eval()
    with torch.no_grad():
        for side in (128, 160):
            output = network(torch.zeros(2, 3, side, side))
            assert output.logits.shape == (2, 4, side // 2, side // 2)
            assert output.view.shape == output.quality.shape == (2,)


@needs_camus
def test_pictures_depend_on_the_seed_alone_and_keep_validation_patients_out() -> None:
    from models.train.semantic.echo_pictures import VALIDATION_PATIENTS, camus, negative, positive

    assert {labelled.patient for labelled in camus(True)} == set(VALIDATION_PATIENTS) & {labelled.patient for labelled in camus(True)}
    assert not {labelled.patient for labelled in camus(False)} & set(VALIDATION_PATIENTS)
    for make in (lambda random: positive(random, 128), lambda random: (negative(random, 128), None)):
        first, again = make(np.random.default_rng(5)), make(np.random.default_rng(5))
        assert (first[0] == again[0]).all()
        assert first[0].shape == (128, 128, 3) and first[0].dtype == np.uint8
    _, classes = positive(np.random.default_rng(5), 128)
    assert set(np.unique(classes)) <= {0, 1, 2, 3} and (classes == 1).any()


def test_an_exported_folder_says_what_the_network_says(tmp_path: Path) -> None:
    network = SemanticNetwork(4)
    load_imagenet(network)
    manifest = export_folder(network, 64, tmp_path / "tiny-echo", "0.1.0", {}, {})
    assert manifest["kind"] == "semantic" and manifest["licence"] == "CC BY-NC-SA 4.0"
    assert manifest["training"]["parity"] < 2e-3
    written = json.loads((tmp_path / "tiny-echo" / "model.json").read_text())
    assert written == manifest
    assert written["graphs"]["segment"]["outputs"][0]["shape"] == [4, 32, 32]
    assert sorted(path.name for path in (tmp_path / "tiny-echo" / "golden").iterdir()) == ["frame.png", "golden.json", "logits.bin", "quality.bin", "view.bin"]


@needs_camus
def test_beating_hearts_end_where_the_annotators_drew() -> None:
    diastole, systole = camus(True)[:2]
    made = cine(diastole, systole, 2, 25, 1)
    assert len(made.marks) == 2 and all(0 < end - start < 20 for start, end in made.marks)
    assert made.pictures[0].shape == made.masks[0].shape == diastole.picture.shape
    for moments, labelled in zip(zip(*made.marks, strict=True), (diastole, systole), strict=True):
        for moment in moments:  # the probe swings by some pixels
            assert dice(made.masks[moment] == 1, labelled.mask == 1) > 0.9
    lines = chords(diastole.mask)
    assert lines.shape[1] == 4 and len(lines) >= 19
    # The long axis is the first line, and lies in the ventricle but for its ends.
    middle = (lines[0][:2] + lines[0][2:]) / 2
    assert diastole.mask[int(middle[1]), int(middle[0])] == 1


def test_an_exported_network_can_be_trained_on(tmp_path: Path) -> None:
    """Batch norms that are given back compute what the folded graph does, and hold the statistics of their convolutions."""
    torch.manual_seed(5)
    network = SemanticNetwork(4).eval()
    with torch.no_grad():  # as if trained: equal weights of two layers would be one in the file
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    export_folder(network, 64, tmp_path / "net", "0.0.1", {}, {"steps": 0, "seconds": 0})
    pictures = [np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8) for seed in range(6)]
    again = SemanticNetwork(4)
    load_exported(again, tmp_path / "net", iter(pictures))
    again.eval()
    frame = pictures[0]
    expected = open_graph(tmp_path / "net" / "segment.onnx").run(None, {"frame": frame[None]})
    with torch.no_grad():
        output = again(torch.from_numpy(frame).permute(2, 0, 1)[None].float())
    np.testing.assert_allclose(output.logits[0].numpy(), expected[0], atol=2e-3)
    assert float(again.stem.norm.running_var.min()) > 0
    assert not np.allclose(again.stem.norm.running_mean.numpy(), 0)


@needs_camus
def test_bent_hearts_keep_their_classes_and_follow_the_seed() -> None:
    picture, mask = reshaped(np.random.default_rng(3), 10)
    again, _ = reshaped(np.random.default_rng(3), 10)
    own = camus(False)[10]
    assert np.array_equal(picture, again) and not np.array_equal(mask, own.mask)
    assert picture.shape == own.picture.shape and set(np.unique(mask)) <= {0, 1, 2, 3}
    assert 0.3 < dice(mask == 1, own.mask == 1) < 1


def test_filter_over_time_takes_what_is_new_and_steadies_what_is_noise() -> None:
    still = np.zeros((2, 8, 8), np.float32)
    small, large = still.copy(), still.copy()
    small[1, ::2] += 0.5
    small[1, 1::2] -= 0.5
    large[1] += 20
    after_small = steadied([still, small], 1.0, (40, 10, 10))[1]
    # One half-life of 40 ms at 25 pictures per second, and a little more for the change itself.
    assert np.allclose(np.abs(after_small[1]), 0.25, atol=0.01)
    assert np.allclose(steadied([still, large], 1.0, (40, 10, 10))[1], large)
    assert steadied([still, small], 1.0, None)[1] is small
