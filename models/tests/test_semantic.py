"""Semantic training: what the pictures, the network and the figures promise. Pictures need the sample data and are skipped without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.train.paths import data_root
from models.train.semantic.measure import dice, largest_component, volume_by_disks
from models.train.semantic.network import SemanticNetwork, load_imagenet

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
