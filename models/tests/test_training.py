"""Training behaves when things go wrong: broken samples, kills, another config, a full disk."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.export.export import export_folder
from models.export.graphs import Geometry, TrackGraph, example_inputs
from models.tests.conftest import drawn_video
from models.train.average import average
from models.train.config import RunConfig, read_config
from models.train.data.clips import ClipBatches, MixConfig, draw_clip
from models.train.data.composites import add_lookalike
from models.train.data.echo import echo_clip
from models.train.data.geometry import Clip
from models.train.data.mucosa import Light, Surface, View, lit, mirrored, mucosa_clip
from models.train.data.sources import CAROTID_VALIDATION, Sources, Video, load_sources
from models.train.data.surgery import surgery_clip
from models.train.network import CompactTracker, NetworkConfig
from models.train.paths import MODELS
from models.train.semantic.train import read_config as read_semantic_config
from models.train.soften import soften
from models.train.train import ConfigMismatch, Trainer, mask_loss, start_weights, train
from models.train.weights import load_from_onnx

CPU = torch.device("cpu")
CONFIG = RunConfig(
    run="test",
    start="imagenet",
    seconds=1e9,
    batch=1,
    clip_frames=3,
    sizes=((64, 64),),
    mix=MixConfig(real=1.0, composite=0.0, surgery=0.0, echo=0.0),
    log_steps=1,
)


@pytest.fixture()
def config(monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    monkeypatch.setattr("models.train.train.start_weights", lambda network, start: None)
    return CONFIG


def test_a_killed_run_goes_on_where_it_was(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    first = train(config, drawn_sources, tmp_path, CPU, call_seconds=0.0, workers=0)
    assert first.step == 1
    (tmp_path / "checkpoint.part").write_bytes(b"a kill in the middle of writing leaves this")
    resumed = Trainer(config, tmp_path, CPU)
    assert resumed.step == 1 and resumed.seconds == first.seconds
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
        assert torch.equal(first.average[name], resumed.average[name]), name
    again = train(config, drawn_sources, tmp_path, CPU, call_seconds=0.0, workers=0)
    assert again.step == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_a_checkpoint_of_another_config_is_refused(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    train(config, drawn_sources, tmp_path, CPU, call_seconds=0.0, workers=0)
    with pytest.raises(ConfigMismatch, match="another config"):
        Trainer(replace(config, trunk_rate=1.0), tmp_path, CPU)


def test_a_full_disk_leaves_the_last_good_checkpoint(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(config, tmp_path, CPU)
    trainer.save()
    good = trainer.checkpoint_path.read_bytes()

    def full(state: object, path: Path) -> None:
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    trainer.save()
    assert trainer.checkpoint_path.read_bytes() == good and not list(tmp_path.glob("*.part"))


def test_prompt_training_changes_only_the_prompt_branch(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    prompt_only = replace(config, train="prompt", batch=2)
    trainer = Trainer(prompt_only, tmp_path, CPU)
    before = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    batch = next(iter(ClipBatches(drawn_sources, prompt_only.mix, 2, 1, [(64, 64)], 5)))
    trainer.run_step(batch)
    for name, tensor in trainer.network.state_dict().items():
        if not name.startswith("prompt."):
            assert torch.equal(tensor, before[name]), name


def test_score_training_changes_only_the_score_head_of_tracked_frames(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    score_only = replace(config, train="score", network=NetworkConfig(newest_entry=True))
    trainer = Trainer(score_only, tmp_path, CPU)
    before = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    trainer.run_step(next(iter(ClipBatches(drawn_sources, score_only.mix, 1, 3, [(64, 64)], 5))))
    changed = {name for name, tensor in trainer.network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert "score.linear.weight" in changed and all(name.startswith("score.") for name in changed)


def test_a_network_that_gets_the_newest_entry_starts_as_the_one_without(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = CompactTracker().eval()
    export_folder(plain, Geometry(height=64, width=64, slots=3), tmp_path / "plain", "0.0.1")
    more = CompactTracker(NetworkConfig(newest_entry=True)).eval()
    load_from_onnx(more, tmp_path / "plain")
    load_from_onnx(plain, tmp_path / "plain")
    inputs = example_inputs("track", plain, Geometry(64, 64, slots=3), 2)
    with torch.no_grad():
        for ours, theirs in zip(TrackGraph(more)(*inputs), TrackGraph(plain)(*inputs), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_the_newest_entry_is_the_one_in_the_last_valid_slot() -> None:
    torch.manual_seed(0)
    network = CompactTracker(NetworkConfig(newest_entry=True))
    values = network.config.value_channels
    frame = network.encode(torch.rand(1, 3, 64, 64) * 255)
    value = torch.rand(3, 4, values, 16)
    value[0, 2:] = torch.nan
    valid = torch.tensor([[1.0, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]])
    read = network.read(frame, frame.key[:, None].expand(3, 4, -1, -1), value, torch.ones(3, 4), valid).flatten(2)
    assert torch.equal(read[:, 2 * values : 3 * values], value[torch.arange(3), torch.tensor([1, 2, 3])])
    strangeness = read[:, 3 * values :]
    assert strangeness.shape[1] == 2 and bool((strangeness >= 0).all())
    # a bank of the prompt's entry alone gives that one; a token whose likes are not in memory is stranger
    far = frame.key[:, None].clone()
    far[:, :, :-1] += 3
    alone = network.read(frame, far, value[:1, :1], torch.ones(1, 1), torch.ones(1, 1)).flatten(2)
    assert torch.equal(alone[:, 2 * values : 3 * values], value[:1, 0])
    assert bool((alone[:, 3 * values :] > strangeness[:1] + 1).all())


def test_a_pixel_that_is_missed_can_weigh_more_than_one_that_is_taken_in() -> None:
    truth = torch.zeros(1, 16, 16)
    truth[:, :, :8] = 1
    wide, narrow = torch.full((1, 4, 4), -4.0), torch.full((1, 4, 4), -4.0)
    wide[:, :, :3], narrow[:, :, :1] = 4.0, 4.0  # a column too many, a column too few

    def costs_more(object_weight: float) -> float:
        return float(mask_loss(narrow, truth, object_weight) - mask_loss(wide, truth, object_weight))

    assert costs_more(2.0) > costs_more(1.0) + 0.1


def test_an_object_that_fills_the_view_leans_towards_itself_and_a_small_one_does_not() -> None:
    torch.manual_seed(0)
    plain = CompactTracker().eval()
    leaning = CompactTracker(NetworkConfig(lean=1.0)).eval()
    leaning.load_state_dict(plain.state_dict())
    frame = plain.encode(torch.rand(1, 3, 64, 64) * 255)
    read = plain.read(frame, frame.key[:, None], torch.rand(1, 1, plain.config.value_channels, 16), torch.ones(1, 1), torch.ones(1, 1))
    with torch.no_grad():
        for bias, added in ((-9.0, 0.0), (9.0, 1.0)):
            for network in (plain, leaning):
                network.upsampler.out.bias.fill_(bias)
            torch.testing.assert_close(leaning.decode(frame, read).logits, plain.decode(frame, read).logits + added)


@pytest.mark.parametrize("part", ["all", "score"])
def test_masks_are_taught_without_the_lean_and_scores_with_it(config: RunConfig, drawn_sources: Sources, tmp_path: Path, part: str) -> None:
    """A loss that sees what the lean adds takes it away again from the logits below (compact-1.0: vocal folds J .74 -> .22 in 170 steps)."""
    losses = []
    for lean in (0.0, 1.0):
        trainer = Trainer(replace(config, train=part, network=NetworkConfig(lean=lean)), tmp_path / f"{part}-{lean}", CPU)
        with torch.no_grad():
            trainer.network.upsampler.out.bias.fill_(2.0)  # every object fills the view
        losses.append(trainer.run_step(next(iter(ClipBatches(drawn_sources, config.mix, 1, 3, [(64, 64)], 5))))["loss"])
    assert (losses[0] == pytest.approx(losses[1], rel=1e-6)) == (part == "all")


def test_a_lookalike_is_not_the_target_and_covers_it_only_where_it_passes_in_front() -> None:
    video, other = drawn_video(), drawn_video()
    other.frames = [255 - frame for frame in other.frames]
    sources = Sources([other], [], [])
    put = covered = 0
    for seed in range(40):
        clip = Clip("natural", [frame.copy() for frame in video.frames], [mask.copy() for mask in video.masks])
        if not add_lookalike(np.random.default_rng(seed), sources, clip, other, (80, 112)):
            assert all(np.array_equal(ours, theirs) for ours, theirs in zip(clip.frames, video.frames, strict=True))
            continue
        put += any(not np.array_equal(ours, theirs) for ours, theirs in zip(clip.frames, video.frames, strict=True))
        for ours, theirs in zip(clip.masks, video.masks, strict=True):
            assert not (ours & ~theirs).any()
            covered += bool((theirs & ~ours).any())
    assert put > 10 and covered > 0


def test_broken_and_missing_samples_are_named_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "train" / "davis" / "bear"
    (folder / "frames").mkdir(parents=True)
    (folder / "masks").mkdir()
    video = drawn_video(length=5)
    for index, (image, mask) in enumerate(zip(video.frames, video.masks, strict=True)):
        cv2.imwrite(str(folder / "frames" / f"{index:05d}.jpg"), image)
        cv2.imwrite(str(folder / "masks" / f"{index:05d}.png"), mask * 255)
    (folder / "frames" / "00001.jpg").write_bytes(b"not a picture")
    (folder / "masks" / "00003.png").unlink()
    cv2.imwrite(str(folder / "masks" / "00004.png"), np.zeros((7, 7), np.uint8))
    sources = load_sources(tmp_path)
    assert [len(video.frames) for video in sources.videos] == [2]
    for name in ("bear/00001.jpg", "bear/00003.jpg", "bear/00004.jpg"):
        assert any(name in entry for entry in sources.skipped) and name in caplog.text


def test_no_data_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="SONOSCOPE_DATA"):
        load_sources(tmp_path / "nothing")


def test_unknown_settings_and_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('run = "a"\nstart = "imagenet"\nseconds = 1\nspeed = 3\n')
    with pytest.raises(ValueError, match="speed"):
        read_config(path)
    path.write_text('run = "a"\nstart = "imagenet"\nseconds = 1\nsizes = [[100, 64]]\n')
    with pytest.raises(ValueError, match="32"):
        read_config(path)


@pytest.mark.parametrize("path", sorted((MODELS / "train" / "configs").glob("*.toml")), ids=lambda path: path.stem)
def test_committed_configs_are_valid(path: Path) -> None:
    # Those of a semantic network have settings of their own.
    assert (read_semantic_config if path.stem.startswith("echo-lv") else read_config)(path).run


ABLATED = {
    "no-prompt-readout": {"network.prompt_readout"},
    "no-gate": {"gate"},
    "no-echo": {"mix.echo"},
    "clips-of-4": {"clip_frames", "batch"},
    "hard-reading": {"peak_weight"},
    "imagenet": {"start", "encoder_rate", "trunk_rate", "head_rate"},
}


def flat(config: RunConfig) -> dict[str, object]:
    values = asdict(config)
    return {**values, **{f"{part}.{key}": value for part in ("network", "mix") for key, value in values[part].items()}, "network": None, "mix": None, "run": None}


@pytest.mark.parametrize("name", ABLATED)
def test_an_ablation_changes_one_thing(name: str) -> None:
    base, other = (flat(read_config(MODELS / "train/history/configs" / f"ablation-{run}.toml")) for run in ("baseline", name))
    assert {key for key in base if base[key] != other[key]} == ABLATED[name]


def test_the_runs_from_imagenet_and_from_nothing_differ_in_their_start() -> None:
    base, other = (flat(read_config(MODELS / "train/history/configs" / f"ablation-{run}.toml")) for run in ("imagenet", "random"))
    assert {key for key in base if base[key] != other[key]} == {"start"}


@pytest.mark.parametrize(
    "name", ["configs/compact-1.0", "configs/compact-next", "history/configs/ablation-baseline", "history/configs/ablation-no-prompt-readout"]
)
def test_runs_that_go_on_from_the_committed_model_can_read_its_weights(name: str) -> None:
    config = read_config(MODELS / f"train/{name}.toml")
    network = CompactTracker(config.network)
    start_weights(network, config.start)
    committed = json.loads((MODELS / "compact/model.json").read_text())["training"]["network"]
    assert {**config.network.as_dict(), "prompt_readout": True} == committed


def test_without_the_prompt_read_out_its_half_is_zero() -> None:
    torch.manual_seed(0)
    network = CompactTracker(NetworkConfig(prompt_readout=False))
    frame = network.encode(torch.rand(1, 3, 64, 64) * 255)
    value = torch.rand(1, 2, network.config.value_channels, 16)
    out = network.read(frame, frame.key[:, None].expand(-1, 2, -1, -1), value, torch.ones(1, 2), torch.ones(1, 2))
    all_entries, prompt_entry = out.chunk(2, 1)
    assert bool((prompt_entry == 0).all()) and bool((all_entries != 0).any())


@pytest.mark.parametrize("distance", [1.0, 1e3])
def test_unused_slots_stay_unread_however_far_apart_the_keys_have_grown(distance: float) -> None:
    torch.manual_seed(0)
    network = CompactTracker()
    with torch.no_grad():
        frame = network.encode(torch.rand(1, 3, 64, 64) * 255)
        key, value = torch.zeros(1, 7, 65, 16), torch.zeros(1, 7, network.config.value_channels, 16)
        key[:, 0] = frame.key + distance * (1 + torch.rand(65, 16))
        value[:, 0] = torch.rand(1, network.config.value_channels, 16) + 1
        valid = torch.tensor([[1.0, 0, 0, 0, 0, 0, 0]])
        all_entries, prompt_entry = network.read(frame, key, value, torch.ones(1, 7), valid).chunk(2, 1)
    torch.testing.assert_close(all_entries, prompt_entry)


def test_the_softness_of_the_reading_is_measured_and_restored() -> None:
    torch.manual_seed(0)
    network = CompactTracker()
    with torch.no_grad():
        network.key.weight *= 1e3
        frames = torch.rand(2, 3, 64, 64) * 255
        assert network.reading_peak(network.encode(frames[:1]), network.encode(frames[1:]).key).item() == pytest.approx(1)
        state = soften({"network": network.state_dict()}, 1e-4, 1.0, (0.0, 0.3))
        network.load_state_dict(state["network"])
        assert 1 / 16 < network.reading_peak(network.encode(frames[:1]), network.encode(frames[1:]).key).item() < 0.9
    assert network.locality.tolist() == pytest.approx([0.0, 0.3])


def test_the_peak_of_the_reading_can_be_held_down() -> None:
    torch.manual_seed(0)
    network = CompactTracker()
    frames = torch.rand(2, 3, 64, 64) * 255

    def peak() -> torch.Tensor:
        return network.reading_peak(network.encode(frames[:1]), network.encode(frames[1:]).key)

    with torch.no_grad():
        network.key.weight *= 64
        before = peak().item()
    optimiser = torch.optim.Adam([network.key.weight, network.shrinkage.weight], lr=0.02)
    for _ in range(20):
        optimiser.zero_grad()
        peak().backward()
        optimiser.step()
    assert before > 0.5 and peak().item() < before - 0.1


def test_procedural_clips_are_seeded_and_exact() -> None:
    for make in (lambda random: surgery_clip(random, None, 4, (96, 160)), lambda random: echo_clip(random, 4, (96, 160)), lambda random: mucosa_clip(random, None, 4, (96, 160))):
        first, second = make(np.random.default_rng(7)), make(np.random.default_rng(7))
        for ours, theirs in zip(first.frames + first.masks, second.frames + second.masks, strict=True):
            assert np.array_equal(ours, theirs)
        assert first.frames[0].shape == (96, 160, 3) and set(np.unique(first.masks[0])) <= {0, 1}


def wall_and_view(shift: float = 0.0, turn: float = 0.0) -> tuple[Surface, View]:
    """A slope that rises to the right, a square lesion at (30..40, 20..28), seen one to one."""
    relief = np.zeros((60, 80, 4), np.float32)
    relief[..., 0] = 0.8
    mask = np.zeros((60, 80), np.uint8)
    mask[20:28, 30:40] = 1
    columns, rows = np.meshgrid(np.arange(80, dtype=np.float32), np.arange(60, dtype=np.float32))
    return Surface(np.full((60, 80, 3), 150, np.uint8), relief, mask), View((columns + np.float32(shift), rows), turn, 1.0, (40.0, 30.0))


def test_mucosa_is_lit_from_the_tip_and_its_mask_goes_the_way_of_the_picture() -> None:
    light = Light((0.0, 0.0), 0.5, 40, 0.0, 0.05, 1.0)
    wall, view = wall_and_view(shift=7)
    picture, mask = lit(wall, view, light)
    assert mask.sum() == 80 and mask[20:28, 23:33].all()
    brightness = picture.mean(2)
    assert brightness[30, 60] > 1.3 * brightness[30, 20]  # what rises away from the middle faces the light there
    turned, _ = lit(wall, wall_and_view(turn=np.pi)[1], light)
    assert turned.mean(2)[30, 20] > 1.3 * turned.mean(2)[30, 60]


def test_a_lesion_in_the_mirror_beyond_the_wall_is_noticed() -> None:
    light = Light((0.0, 0.0), 0.5, 40, 0.0, 0.05, 1.0)
    for shift, seen in ((0.0, False), (20.0, False), (60.0, True)):
        wall, view = wall_and_view(shift=shift)
        assert mirrored(wall, view, lit(wall, view, light)[1]) == seen


def test_mucosa_at_a_low_rate_jumps_and_its_lesion_is_small_and_hardly_of_another_colour() -> None:
    jumps: dict[float, list[float]] = {0.0: [], 1.0: []}
    areas, contrast = [], []
    for low_rate, steps in jumps.items():
        for seed in range(12):
            clip = mucosa_clip(np.random.default_rng(seed), None, 6, (96, 160), low_rate)
            places = [np.argwhere(mask).mean(0) if mask.any() else None for mask in clip.masks]
            steps += [float(np.hypot(*(one - other))) for one, other in zip(places, places[1:], strict=False) if one is not None and other is not None]
            inside = clip.masks[0] > 0
            around = cv2.dilate(clip.masks[0], np.ones((13, 13), np.uint8)).astype(bool) & ~inside
            areas.append(inside.mean())
            contrast.append(np.abs(clip.frames[0][inside].mean(0) - clip.frames[0][around].mean(0)).mean())
    assert np.median(jumps[1.0]) > 2 * np.median(jumps[0.0]) and np.median(jumps[1.0]) > 8
    assert 0.0025 <= min(areas) and np.median(areas) < 0.05 and np.median(contrast) < 35


def test_the_mix_draws_mucosa_only_where_it_is_asked_for(drawn_sources: Sources) -> None:
    alone = MixConfig(real=0, composite=0, surgery=0, echo=0, mucosa=1)
    random = np.random.default_rng(0)
    assert draw_clip(random, drawn_sources, alone, 3, (64, 96)).kind == "mucosa"
    assert MixConfig().mucosa == 0


def test_real_training_data_is_readable(data: Path) -> None:
    sources = load_sources(data, limit=1)
    assert {video.kind for video in sources.videos} == {"natural", "vocal-folds", "robotic", "carotid"} and not sources.skipped
    assert {still.kind for still in sources.stills} >= {"laparoscopy", "muscle-ultrasound", "fetal-ultrasound", "nerve-ultrasound"}


NEVER_TRAINED_ON = {"blackswan", "car-shadow", "dance-twirl", "libby", "seq4", "scene-c", *CAROTID_VALIDATION}


@pytest.fixture()
def read_folders(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every folder that a video is asked of; none is read."""
    folders: list[Path] = []

    def note(folder: Path, kind: str, labels: tuple[int, ...], short_side: int, skipped: list[str]) -> Video:
        folders.append(folder)
        return Video(kind, folder.name, [], [], labels)

    monkeypatch.setattr("models.train.data.sources.read_video", note)
    monkeypatch.setattr("models.train.data.sources.read_image", lambda path: np.zeros((8, 8, 3), np.uint8))
    return folders


def test_validation_sequences_and_camus_are_never_read(data: Path, read_folders: list[Path]) -> None:
    load_sources(data)
    assert len(read_folders) > 50
    assert not [folder for folder in read_folders if folder.name in NEVER_TRAINED_ON or "camus" in str(folder)]


def test_the_carotid_clips_of_validation_are_the_last_five_also_where_others_are_missing(data: Path, tmp_path: Path, read_folders: list[Path]) -> None:
    clips = sorted(path.name for path in (data / "train/carotid-ultrasound").iterdir())
    assert tuple(clips[15:]) == CAROTID_VALIDATION and len(clips) == 20
    for name in clips[3:]:
        (tmp_path / "train/carotid-ultrasound" / name).mkdir(parents=True)
    load_sources(tmp_path)
    assert [folder.name for folder in read_folders if folder.parent.name == "carotid-ultrasound"] == clips[3:15]


def test_a_nerve_and_a_vessel_of_one_picture_are_two_objects(tmp_path: Path) -> None:
    folder = tmp_path / "train/nerve-ultrasound"
    (folder / "frames").mkdir(parents=True)
    (folder / "masks").mkdir()
    labels = np.zeros((40, 60), np.uint8)
    labels[5:15, 5:15], labels[20:30, 30:50] = 1, 2
    for name, mask in (("0000", labels), ("0001", np.minimum(labels, 1))):
        cv2.imwrite(str(folder / f"frames/{name}.jpg"), np.full((40, 60, 3), 90, np.uint8))
        cv2.imwrite(str(folder / f"masks/{name}.png"), mask)
    stills = load_sources(tmp_path).stills
    assert [(still.kind, int(still.mask.sum())) for still in stills if still.mask is not None] == [("nerve-ultrasound", area) for area in (100, 200, 300)]


def test_the_average_reaches_over_a_share_of_the_steps_and_no_further_than_its_decay(config: RunConfig, drawn_sources: Sources, tmp_path: Path) -> None:
    """The weights of a step come in with 1 / (1 + reach)."""
    batch = next(iter(ClipBatches(drawn_sources, config.mix, 1, 3, [(64, 64)], 5)))
    for share, decay, reach in ((1 / 9, 0.998, 100 / 9), (0.5, 0.998, 50.0), (0.5, 0.9, 9.0)):
        trainer = Trainer(replace(config, average_share=share, average_decay=decay), tmp_path / f"{share}-{decay}", CPU)
        trainer.step = 99
        trainer.average["key.weight"].fill_(1e6)  # what was there before
        trainer.run_step(batch)
        assert float(trainer.average["key.weight"].mean()) == pytest.approx(1e6 * reach / (1 + reach), rel=1e-4)


def test_part_of_a_network_can_be_averaged() -> None:
    config = NetworkConfig()

    def checkpoint(value: float) -> dict[str, object]:
        weights = {"prompt.score.out.bias": torch.full((2,), value), "score.out.bias": torch.full((2,), value)}
        return {"network": weights, "network_config": config.as_dict(), "run": "run", "step": 1, "seconds": 1.0, "config": {}}

    mixed = average([(checkpoint(0.0), 0.25), (checkpoint(4.0), 0.75)], "prompt.")["network"]
    assert mixed["prompt.score.out.bias"].tolist() == [3.0, 3.0] and mixed["score.out.bias"].tolist() == [0.0, 0.0]
