"""A run that lasts days: it goes on from what the repository holds, forgetting is measured, and weights that forgot are not chosen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.export.graphs import Geometry
from models.tests.conftest import drawn_video
from models.tests.test_training import CONFIG, CPU
from models.train.config import RunConfig
from models.train.curve import Curve, Point, Probe, choose, fingerprint, measure, reference_tracker
from models.train.data.clips import ClipBatches
from models.train.data.sources import Sources
from models.train.network import CompactTracker, NetworkConfig
from models.train.state import CHOSEN, MAX_BYTES, description_path, keep_state, lasting, read_state, write_state
from models.train.track_reference import ReferenceTracker
from models.train.train import WARM_STEPS, ConfigMismatch, Trainer, train
from models.train.validate import Sequence

START = {"natural": 0.80, "vocal-folds": 0.70}


@pytest.fixture()
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunConfig:
    """A long run in a repository of its own."""
    monkeypatch.setattr("models.train.train.start_weights", lambda network, start: None)
    monkeypatch.setattr("models.train.train.REPOSITORY", tmp_path / "repository")
    return replace(CONFIG, state="state/long.pt", network=NetworkConfig(hidden_share=0.5))


def state_path(tmp_path: Path) -> Path:
    return tmp_path / "repository/state/long.pt"


def point(step: int, natural: float, vocal_folds: float) -> Point:
    return Point(step, step * 4, {"natural": natural, "vocal-folds": vocal_folds})


def rates(trainer: Trainer) -> list[float]:
    trainer.set_rates()
    return [group["lr"] for group in trainer.optimiser.param_groups]


# ---- going on ---------------------------------------------------------------------------------------------------------------------------------------


def test_another_machine_goes_on_from_the_committed_weights_and_warms_up(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    first = train(config, drawn_sources, tmp_path / "here", CPU, call_seconds=0.0, workers=0)
    first.step = 500
    first.save()
    keep_state(config, tmp_path / "here", state_path(tmp_path))
    assert state_path(tmp_path).stat().st_size <= MAX_BYTES

    there = Trainer(config, tmp_path / "there", CPU)
    assert (there.step, round(there.seconds, 3)) == (500, round(first.seconds, 3))
    for name, tensor in first.average.items():
        torch.testing.assert_close(there.network.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
        assert torch.equal(there.average[name], there.network.state_dict()[name])
    assert not there.optimiser.state_dict()["state"]
    cold = rates(there)
    there.step += WARM_STEPS
    assert all(warm > 30 * rate for warm, rate in zip(rates(there), cold, strict=True))

    # a kill while it warms up does not make it start warm
    there.step = 510
    there.save()
    again = Trainer(config, tmp_path / "there", CPU)
    assert again.step == 510 and rates(again) == pytest.approx([rate * 11 for rate in cold], rel=1e-3)


def test_the_machines_own_checkpoint_is_taken_where_it_is_further_and_the_state_where_that_is(config: RunConfig, tmp_path: Path) -> None:
    trainer = Trainer(config, tmp_path / "here", CPU)
    trainer.step, trainer.seconds = 10, 100.0
    trainer.save()
    keep_state(config, tmp_path / "here", state_path(tmp_path))
    trainer.step, trainer.seconds = 20, 200.0
    trainer.save()
    assert Trainer(config, tmp_path / "here", CPU).step == 20
    checkpoint = torch.load(trainer.checkpoint_path, weights_only=True)
    write_state(state_path(tmp_path), {**checkpoint, "step": 30, "seconds": 300.0}, Curve(0.01).as_dict())
    assert Trainer(config, tmp_path / "here", CPU).step == 30


def test_changed_settings_keep_the_weights_of_a_long_run_but_not_its_optimiser(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    first = train(config, drawn_sources, tmp_path / "here", CPU, call_seconds=0.0, workers=0)
    changed = Trainer(replace(config, trunk_rate=1e-5), tmp_path / "here", CPU)
    assert changed.step == 1 and changed.warm_from == 1 and not changed.optimiser.state_dict()["state"]
    assert all(torch.equal(tensor, changed.network.state_dict()[name]) for name, tensor in first.average.items())
    with pytest.raises(ConfigMismatch, match="another config"):
        Trainer(replace(config, network=NetworkConfig(newest_entry=True)), tmp_path / "here", CPU)


def test_a_state_of_another_network_or_of_another_description_is_refused(config: RunConfig, tmp_path: Path) -> None:
    Trainer(config, tmp_path / "here", CPU).save()
    keep_state(config, tmp_path / "here", state_path(tmp_path))
    with pytest.raises(ConfigMismatch, match="another network"):
        Trainer(replace(config, network=NetworkConfig(newest_entry=True)), tmp_path / "there", CPU)
    description = description_path(state_path(tmp_path))
    description.write_text(description.read_text().replace('"sha256": "', '"sha256": "0'))
    with pytest.raises(ValueError, match="belong together"):
        Trainer(config, tmp_path / "there", CPU)


def test_weights_that_are_no_numbers_or_too_many_never_replace_a_state(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = state_path(tmp_path)
    trainer = Trainer(config, tmp_path / "here", CPU)
    trainer.save()
    keep_state(config, tmp_path / "here", path)
    good = path.read_bytes()
    trainer.average["key.weight"].fill_(1e9)  # beyond half precision
    trainer.save()
    with pytest.raises(ValueError, match="finite"):
        keep_state(config, tmp_path / "here", path)
    monkeypatch.setattr("models.train.state.MAX_BYTES", 1000)
    Trainer(config, tmp_path / "other", CPU).save()
    with pytest.raises(ValueError, match="more than 1000"):
        write_state(path, torch.load(tmp_path / "other/checkpoint.pt", weights_only=True) | {"network": {"weight": torch.zeros(4000)}}, {})
    assert path.read_bytes() == good and not list(path.parent.glob("*.part")) and read_state(path) is not None


def test_frozen_parts_stay_as_they_were_and_the_others_learn(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    still = ("fuse1", "fuse2", "upsampler")
    trainer = Trainer(replace(config, frozen=still), tmp_path, CPU)
    before = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    trainer.run_step(next(iter(ClipBatches(drawn_sources, config.mix, 1, 3, [(64, 64)], 5))))
    changed = {name.split(".")[0] for name, tensor in trainer.network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed.isdisjoint(still) and {"key", "memory1", "encoder", "prompt"} <= changed


# ---- the choice -------------------------------------------------------------------------------------------------------------------------------------


def test_the_highest_mean_is_chosen_among_those_that_hold_every_floor() -> None:
    forgot, better, equal, worse = point(1, 0.95, 0.68), point(2, 0.84, 0.695), point(3, 0.84, 0.695), point(4, 0.79, 0.70)
    assert choose([forgot, better, equal, worse], START, 0.01) == better
    assert forgot.mean > better.mean and forgot.broken(START, 0.01) == ["vocal-folds"]
    assert choose([forgot, worse], START, 0.01) is None and choose([], START, 0.01) is None
    assert choose([forgot], START, 0.03) == forgot


@pytest.mark.parametrize("j", [{"natural": 0.99}, {"natural": 0.99, "vocal-folds": float("nan")}], ids=["not measured", "not a number"])
def test_a_domain_without_a_figure_counts_as_forgotten(j: dict[str, float]) -> None:
    assert choose([Point(1, 4, j)], START, 0.01) is None


def test_points_that_were_measured_on_something_else_are_left_behind() -> None:
    curve = Curve(0.01)
    curve.begin("these", lambda: dict(START))
    assert curve.add(point(1, 0.9, 0.7))
    curve.begin("these", lambda: pytest.fail("measured twice"))
    assert curve.chosen == 1
    curve.begin("others", lambda: {"natural": 0.5, "vocal-folds": 0.5})
    assert curve.points == [] and curve.chosen is None and curve.baseline["natural"] == 0.5


def scripted(monkeypatch: pytest.MonkeyPatch, figures: list[tuple[float, float]]) -> None:
    """The start, then one pair of figures per point."""
    queue = [dict(zip(START, pair, strict=True)) for pair in [(0.8, 0.7), *figures]]
    monkeypatch.setattr("models.train.train.measure", lambda network, root: queue.pop(0))
    monkeypatch.setattr("models.train.train.fingerprint", lambda root: "always the same")


def test_a_run_keeps_its_curve_and_the_weights_that_are_best_by_it(config: RunConfig, drawn_sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [(0.82, 0.70), (0.99, 0.60), (0.84, 0.72), (0.83, 0.71)])
    measured = replace(config, validate_seconds=1e-9)
    here = tmp_path / "here"
    weights, steps = [], []
    for _ in range(4):  # a restart before every point: curve and choice go on too
        trainer = train(measured, drawn_sources, here, CPU, call_seconds=0.0, workers=0)
        weights.append({name: tensor.clone() for name, tensor in trainer.average.items()})
        steps.append(Curve.read(here).chosen)
    assert steps == [1, 1, 3, 3]
    curve = Curve.read(here).as_dict()
    assert [entry["broken"] for entry in curve["points"]] == [[], ["vocal-folds"], [], []] and curve["baseline"] == START
    chosen = torch.load(here / CHOSEN, weights_only=True)
    assert chosen["step"] == 3 and all(torch.equal(tensor, weights[2][name]) for name, tensor in chosen["network"].items())


@pytest.mark.parametrize("interval", [1e-9, 1e9], ids=["just measured", "long ago"])
def test_the_end_of_a_call_can_be_measured_too_once(config: RunConfig, drawn_sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: float) -> None:
    scripted(monkeypatch, [(0.84, 0.72)])
    train(replace(config, validate_seconds=interval), drawn_sources, tmp_path / "here", CPU, call_seconds=0.0, workers=0, measure_last=True)
    assert [entry.step for entry in Curve.read(tmp_path / "here").points] == [1] and (tmp_path / "here" / CHOSEN).exists()


def test_what_lasts_is_the_newest_unless_it_forgot(config: RunConfig, drawn_sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [(0.82, 0.70), (0.81, 0.70), (0.99, 0.60)])
    measured, here, path = replace(config, validate_seconds=1e-9), tmp_path / "here", state_path(tmp_path)
    expected = []
    for _ in range(3):
        train(measured, drawn_sources, here, CPU, call_seconds=0.0, workers=0)
        expected.append(lasting(here).name)
    assert expected == ["checkpoint.pt", "checkpoint.pt", CHOSEN]
    keep_state(measured, here, path)
    description = json.loads(description_path(path).read_text())
    assert description["step"] == 1 and len(description["points"]) == 3  # the forgetting stays on record
    trainer = Trainer(measured, tmp_path / "there", CPU)
    assert trainer.step == 1 and Curve.read(tmp_path / "there").chosen == 1 and (tmp_path / "there" / CHOSEN).exists()


def test_chosen_weights_that_stayed_behind_are_not_named_on_the_next_machine(config: RunConfig, drawn_sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [(0.84, 0.72), (0.83, 0.71), (0.82, 0.71)])
    measured, here, there = replace(config, validate_seconds=1e-9), tmp_path / "here", tmp_path / "there"
    for _ in range(2):
        train(measured, drawn_sources, here, CPU, call_seconds=0.0, workers=0)
    keep_state(measured, here, state_path(tmp_path))
    train(measured, drawn_sources, there, CPU, call_seconds=0.0, workers=0)
    assert Curve.read(there).chosen == 3 and torch.load(there / CHOSEN, weights_only=True)["step"] == 3
    assert [entry.step for entry in Curve.read(there).points] == [1, 2, 3]


# ---- what is measured -------------------------------------------------------------------------------------------------------------------------------


def test_the_network_in_memory_tracks_as_its_export_does(network: CompactTracker, exported: Path) -> None:
    theirs = ReferenceTracker.open(exported)
    ours = reference_tracker(network, Geometry(64, 96, slots=3))
    video = drawn_video()
    admitted = []
    for index, (image, mask) in enumerate(zip(video.frames, video.masks, strict=True)):
        one, other = (tracker.prompt_masks(image, [mask]) if index == 0 else tracker.track(image) for tracker in (ours, theirs))
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-2)
        admitted.append(len(ours.banks[0]) == len(theirs.banks[0]))
    assert all(admitted) and (ours.policy, ours.min_confidence) == (theirs.policy, theirs.min_confidence)


def test_a_probe_takes_some_frames_of_some_sequences_and_domains_count_alike(network: CompactTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    video = drawn_video()

    def drawn(name: str) -> Sequence:
        def frame(index: int) -> np.ndarray:
            asked.append((name, index))
            return video.frames[index]

        return Sequence(name, len(video.frames), frame, lambda index: video.masks[index] > 0)

    monkeypatch.setattr("models.train.curve.sequences", lambda domain, root: (drawn(f"{domain}-{number}") for number in range(3)))
    probes = (Probe("a", 2, 3, 2), Probe("b", 1, 99, 5))
    figures = measure(network, tmp_path, probes, Geometry(64, 96, slots=3))
    assert asked == [("a-0", 0), ("a-0", 2), ("a-0", 4), ("a-1", 0), ("a-1", 2), ("a-1", 4), ("b-0", 0), ("b-0", 5), ("b-0", 10)]
    assert set(figures) == {"a", "b"} and all(0 <= value <= 1 for value in figures.values())


def test_another_generator_has_another_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shade = 90
    mask = np.ones((8, 8), bool)
    monkeypatch.setattr("models.train.curve.sequences", lambda domain, root: iter([Sequence("one", 3, lambda index: np.full((8, 8, 3), shade, np.uint8), lambda index: mask)]))
    probes = (Probe("a", 1, 3, 1),)
    before = fingerprint(tmp_path, probes)
    assert before == fingerprint(tmp_path, probes) != fingerprint(tmp_path, (Probe("a", 1, 2, 1),))
    shade = 91
    assert fingerprint(tmp_path, probes) != before


def test_a_domain_whose_data_is_missing_is_said_and_not_left_out(network: CompactTracker, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="carotid needs 5 sequences, 0 found"):
        measure(network, tmp_path, (Probe("carotid", 5, 13, 2),), Geometry(64, 96, slots=3))
