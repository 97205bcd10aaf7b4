"""The compact tracker: a SAM2-style promptable video segmenter small enough for two CPU cores.

An EfficientNet-Lite0 encoder gives features at strides 4, 8 and 16. A memory entry is a *key* (where things look alike) and a *value* (what the mask
was there). A new frame reads the bank by similarity, a decoder turns the read-out into mask logits at stride 4, a head predicts the IoU of that mask and
whether the object is present. Prompts (clicks, box, scribble, mask) are drawn images and have a branch of their own beside the memory read-out.

Sources: anisotropic L2 similarity and shrinkage from XMem (Cheng & Schwing 2022), shared frame keys from STCN (Cheng et al. 2021),
predicted IoU, object score and the prompt-entry-first bank from SAM 2 (Ravi et al. 2024), encoder from EfficientNet-Lite (Tan & Le 2019).

All convolutions carry a bias and there are no normalisation layers: batch norm of the ImageNet weights is folded when they are loaded, so the trained
state is one to one the initialisers of the exported graphs, and `weights.load_from_onnx` can read it back.

Shapes: B images, N objects, H x W input, h x w = H/16 x W/16 memory grid, T = h*w tokens, M bank slots.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

PIXEL_MEAN = 127.0
PIXEL_STD = 128.0
GIVEN_MASK_LOGIT = 10.0
INVALID_SLOT_BIAS = -1.0e30
"""Added to the similarities of unused slots so that they are never read. It must lie below every real similarity: compact 0.6.0 had similarities in the minus
millions, and with the earlier -10,000 its empty slots (six after a prompt) won over the used ones."""
LEAN_AREA = (0.1, 0.35)
"""Shares of the picture between which `NetworkConfig.lean` sets in."""
EVIDENCE_PLANES = 2
"""Strangeness of each token to the prompt entry, and to the whole bank."""
PROMPT_CHANNELS = ("positive", "negative", "box", "mask")


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes that change the weights or the meaning of a memory entry. A checkpoint of another config is refused."""

    key_channels: int = 64
    value_channels: int = 128
    feature_channels: int = 128
    hidden_share: float = 1.0
    """Hidden width of the per-object residual blocks (memory, decoder) as a share of their output width: what each further object costs."""
    mask_stride: int = 1
    """Resolution at which a mask enters memory: 1 the whole picture, 4 the resolution of the logits."""
    prompt_readout: bool = True
    """A second read-out from the prompt entry alone; without it (an ablation) its half is zero."""
    pool_recent: bool = True
    """Read recent entries (slots 1..M-1) on a 2x2-averaged grid; the prompt entry (slot 0) always at full resolution."""
    newest_entry: bool = False
    """The decoder also gets the newest entry where it stands, not looked up by similarity, and how well each token found anything alike in memory. Reading
    by likeness does not know where the object was a moment ago; this does (as the sensory memory of XMem and the short-term branch of AOT, Yang et al. 2021)."""
    lean: float = 0.0
    """Added to the logits of a large object: nothing up to LEAN_AREA[0] of the picture, the whole of it from LEAN_AREA[1] on. When the camera is close, the
    object looks unlike its memory, a part that is missed once is missed again, and little else is in view that could be taken for it. A small object gets
    nothing: something like it elsewhere could easily be taken for it."""

    def as_dict(self) -> dict[str, int | float | bool]:
        return asdict(self)


@dataclass
class FrameFeatures:
    """What one frame gives to every object: computed once."""

    stride4: Tensor  # [B, 24, H/4, W/4]
    stride8: Tensor  # [B, 40, H/8, W/8]
    stride16: Tensor  # [B, feature_channels, h, w]
    key: Tensor  # [B, key_channels + 1, T]; last row is the shrinkage (how sharply this token matches)
    selection: Tensor  # [B, key_channels, T]; which key channels this frame's queries care about

    def by_step(self, clips: int) -> list[FrameFeatures]:
        """Features of [clips * steps] frames -> one per step, each of [clips] frames."""
        parts = (self.stride4, self.stride8, self.stride16, self.key, self.selection)
        return [FrameFeatures(*step) for step in zip(*(part.unflatten(0, (clips, -1)).unbind(1) for part in parts), strict=True)]


@dataclass
class MaskOutput:
    logits: Tensor  # [N, H/4, W/4]
    iou_logit: Tensor  # [N]
    presence: Tensor  # [N], logit

    @property
    def iou(self) -> Tensor:
        """Predicted IoU 0..1, [N]."""
        return torch.sigmoid(self.iou_logit)


def _resize(x: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)


class InvertedResidual(nn.Module):
    """MBConv without squeeze-and-excitation (the Lite variant), batch norm folded."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        middle = channels_in * expand
        self.expand = nn.Conv2d(channels_in, middle, 1) if expand != 1 else None
        self.padding = _same_padding(kernel, stride)
        self.depthwise = nn.Conv2d(middle, middle, kernel, stride, groups=middle)
        self.project = nn.Conv2d(middle, channels_out, 1)
        self.residual = channels_in == channels_out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = functional.pad(y, self.padding)
        if self.depthwise.stride == (2, 2) and torch.is_autocast_enabled(y.device.type):
            with torch.autocast(y.device.type, enabled=False):  # its bf16 gradient takes 70 times as long on a CPU (measured, torch 2.13)
                y = self.depthwise(y.float())
        else:
            y = self.depthwise(y)
        y = self.project(functional.relu6(y))
        return x + y if self.residual else y


def _same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's 'same' padding for even inputs, as the ImageNet weights expect it."""
    total = kernel - stride if stride > 1 else kernel - 1
    before = total // 2
    return (before, total - before, before, total - before)


class Encoder(nn.Module):
    """EfficientNet-Lite0 trunk. `frozen_blocks` first blocks (and the stem) get no gradient."""

    STAGES = (
        # repeats, kernel, stride, expand, in, out
        (1, 3, 1, 1, 32, 16),
        (2, 3, 2, 6, 16, 24),
        (2, 5, 2, 6, 24, 40),
        (3, 3, 2, 6, 40, 80),
        (3, 5, 1, 6, 80, 112),
        (4, 5, 2, 6, 112, 192),
        (1, 3, 1, 6, 192, 320),
    )
    TAPS = (2, 4, 10, 15)  # last block of strides 4, 8, 16, 32

    def __init__(self, frozen_blocks: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        for repeats, kernel, stride, expand, channels_in, channels_out in self.STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                blocks.append(InvertedResidual(channels_in if first else channels_out, channels_out, kernel, stride if first else 1, expand))
        self.blocks = nn.ModuleList(blocks)
        self.frozen_blocks = frozen_blocks

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B, 3, H, W] normalised -> features at strides 4, 8, 16, 32."""
        if self.frozen_blocks == 0 or image.shape[0] == 1:
            return self._blocks(self._stem(image), 0, len(self.blocks))[1]
        with torch.no_grad():  # two frames at a time: the wide early layers stay in the processor's cache
            parts = [self._blocks(self._stem(part), 0, self.frozen_blocks) for part in image.split(2)]
        x = torch.cat([part[0] for part in parts])
        early = [torch.cat(taps) for taps in zip(*(part[1] for part in parts), strict=True)]
        return early + self._blocks(x, self.frozen_blocks, len(self.blocks))[1]

    def _stem(self, image: Tensor) -> Tensor:
        return functional.relu6(self.stem(functional.pad(image, _same_padding(3, 2))))

    def _blocks(self, x: Tensor, first: int, last: int) -> tuple[Tensor, list[Tensor]]:
        taps: list[Tensor] = []
        for index in range(first, last):
            x = self.blocks[index](x)
            if index in self.TAPS:
                taps.append(x)
        return x, taps


class ResidualBlock(nn.Module):
    """Pre-activation residual block. Input may come in a per-object and a per-frame part, `forward(own, shared)`: the first convolution is linear, so
    the shared part is convolved once per frame and broadcast over the objects. `hidden_share`: width between the two convolutions, of `channels_out`."""

    def __init__(self, own: int, channels_out: int, shared: int = 0, dilation: int = 1, hidden_share: float = 1.0) -> None:
        super().__init__()
        hidden = round(channels_out * hidden_share)
        self.first = nn.Conv2d(own, hidden, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(hidden, channels_out, 3, padding=1)
        self.skip = nn.Conv2d(own, channels_out, 1) if shared or own != channels_out else None
        self.first_shared = nn.Conv2d(shared, hidden, 3, padding=dilation, dilation=dilation, bias=False) if shared else None
        self.skip_shared = nn.Conv2d(shared, channels_out, 1, bias=False) if shared else None

    def forward(self, own: Tensor, shared: Tensor | None = None) -> Tensor:
        hidden = self.first(functional.relu(own))
        skip = own if self.skip is None else self.skip(own)
        if shared is not None and self.first_shared is not None and self.skip_shared is not None:
            hidden = hidden + self.first_shared(functional.relu(shared))
            skip = skip + self.skip_shared(shared)
        return skip + self.second(functional.relu(hidden))


class MaskEncoder(nn.Module):
    """Planes at stride 1 or 4 -> 64 channels at stride 16."""

    def __init__(self, planes: int, stride: int = 1) -> None:
        super().__init__()
        sizes = ((planes, 16, 2), (16, 32, 2), (32, 64, 2), (64, 64, 2)) if stride == 1 else ((planes, 32, 1), (32, 64, 2), (64, 64, 2))
        self.layers = nn.ModuleList([nn.Conv2d(inputs, outputs, 3, step, 1) for inputs, outputs, step in sizes])

    def forward(self, planes: Tensor) -> Tensor:
        x = planes
        for index, layer in enumerate(self.layers):
            x = layer(x if index == 0 else functional.relu(x))
        return x


class Upsampler(nn.Module):
    """Stride 16 -> stride 4 logits with skips from the encoder (their projection is computed once per frame)."""

    def __init__(self, hidden_share: float = 1.0) -> None:
        super().__init__()
        self.skip8 = nn.Conv2d(40, 64, 1)
        self.down8 = nn.Conv2d(128, 64, 1)
        self.block8 = ResidualBlock(64, 64, hidden_share=hidden_share)
        self.skip4 = nn.Conv2d(24, 32, 1)
        self.down4 = nn.Conv2d(64, 32, 1)
        self.block4 = ResidualBlock(32, 32, hidden_share=hidden_share)
        self.out = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x: Tensor, frame: FrameFeatures) -> Tensor:
        height, width = frame.stride8.shape[-2:]
        y = self.block8(_resize(self.down8(x), height, width) + self.skip8(frame.stride8))
        height, width = frame.stride4.shape[-2:]
        y = self.block4(_resize(self.down4(y), height, width) + self.skip4(frame.stride4))
        return self.out(functional.relu(y))[:, 0]


class ScoreHead(nn.Module):
    """Predicted IoU and presence from pooled decoder features and from how decided the mask is."""

    def __init__(self, channels: int = 128, evidence: int = 0) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 2)
        self.hidden = nn.Linear(2 * channels + 4 + 3 * evidence, 64)
        self.out = nn.Linear(64, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, logits: Tensor, evidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [N, C, h, w], logits [N, H/4, W/4], evidence [N, E, h, w] -> (iou logit [N], presence logit [N])."""
        active = functional.relu(x)
        pooled = active.mean((2, 3))
        probability = torch.sigmoid(logits)
        coarse = functional.avg_pool2d(probability[:, None], 4)
        inside = (active * coarse).sum((2, 3)) / (coarse.sum((2, 3)) + 1e-2)
        area = probability.mean((1, 2))
        hard = torch.clamp(logits * 8 + 0.5, 0, 1)
        decided = (probability * hard).sum((1, 2)) / (hard.sum((1, 2)) + 1.0)
        unsure = (probability * (1 - probability)).sum((1, 2)) / (probability.sum((1, 2)) + 1.0)
        peak = probability.amax((1, 2))
        statistics = torch.stack([torch.sqrt(area + 1e-6), decided, unsure * 4, peak], 1)
        if evidence is not None:  # over the picture, inside the mask, and where it is least strange
            own = (evidence * coarse).sum((2, 3)) / (coarse.sum((2, 3)) + 1e-2)
            statistics = torch.cat([statistics, evidence.mean((2, 3)), own, evidence.amin((2, 3))], 1)
        scores = self.linear(pooled) + self.out(functional.relu(self.hidden(torch.cat([pooled, inside, statistics], 1))))
        return scores[:, 0], scores[:, 1]


class PromptBranch(nn.Module):
    """First mask from drawn prompts. The look of what lies under the clicks and the box is compared with every token (a few cosine heads), so that one
    click can claim a whole object; the drawn planes themselves say where."""

    HEADS = 8

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.planes = MaskEncoder(len(PROMPT_CHANNELS))
        self.project = nn.Conv2d(channels, 64, 1)
        similarities = 4 * self.HEADS
        self.fuse1 = ResidualBlock(64 + similarities, 128, shared=channels)
        self.fuse2 = ResidualBlock(128, 128, dilation=2)
        self.fuse3 = ResidualBlock(128, 128, dilation=3)
        self.upsampler = Upsampler()
        self.score = ScoreHead()

    def forward(self, planes: Tensor, frame: FrameFeatures) -> tuple[Tensor, Tensor, Tensor]:
        """planes [N, 4, H, W] 0..1, frame with B = 1 or N -> logits [N, H/4, W/4], iou logit [N], presence logit [N]."""
        height, width = frame.stride16.shape[-2:]
        tokens = functional.normalize(self.project(frame.stride16).unflatten(1, (self.HEADS, -1)), dim=2, eps=1e-4).flatten(3)  # [B, heads, c, T]
        coarse = functional.avg_pool2d(planes, 16).flatten(2)  # [N, 4, T]
        weights = coarse / (coarse.sum(2, keepdim=True) + 1e-4)
        pooled = torch.einsum("bhct,npt->nphc", tokens, weights) if tokens.shape[0] == 1 else torch.einsum("nhct,npt->nphc", tokens, weights)
        similarity = (
            torch.einsum("bhct,nphc->npht", tokens, pooled) if tokens.shape[0] == 1 else torch.einsum("nhct,nphc->npht", tokens, pooled)
        )
        similarity = similarity.flatten(1, 2).unflatten(2, (height, width))
        x = self.fuse1(torch.cat([self.planes(planes * 2 - 1), similarity], 1), frame.stride16)
        x = self.fuse3(self.fuse2(x))
        logits = self.upsampler(x, frame)
        return (logits, *self.score(x, logits))


class CompactTracker(nn.Module):
    """The whole network. Holds no state between calls: the caller owns the bank."""

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__()
        self.config = config
        channels, keys, values = config.feature_channels, config.key_channels, config.value_channels
        self.encoder = Encoder()
        self.lateral16 = nn.Conv2d(112, channels, 1)
        self.lateral32 = nn.Conv2d(320, channels, 1)
        self.key = nn.Conv2d(channels, keys, 3, padding=1)
        self.shrinkage = nn.Conv2d(channels, 1, 3, padding=1)
        self.selection = nn.Conv2d(channels, keys, 3, padding=1)
        share = config.hidden_share
        self.memory_planes = MaskEncoder(2, config.mask_stride)
        self.memory1 = ResidualBlock(64, values, shared=channels, hidden_share=share)
        self.memory2 = ResidualBlock(values, values, hidden_share=share)
        self.fuse1 = ResidualBlock(2 * values, 128, shared=channels, hidden_share=share)
        self.fuse2 = ResidualBlock(128, 128, hidden_share=share)
        self.upsampler = Upsampler(share)
        self.score = ScoreHead(evidence=EVIDENCE_PLANES if config.newest_entry else 0)
        if config.newest_entry:
            self.newest = nn.Conv2d(values + EVIDENCE_PLANES, 2 * values, 1)
            nn.init.zeros_(self.newest.weight)  # a network without it goes on from where it was
            nn.init.zeros_(self.newest.bias)
        self.prompt = PromptBranch(channels)
        self.anchor = nn.Parameter(torch.zeros(1))  # similarity bonus of the prompt entry
        self.trust = nn.Parameter(torch.full((1,), 0.5))  # weight of log(confidence) for the other entries
        self.locality = nn.Parameter(torch.full((2,), 0.05))  # (10 x)^2 = penalty on squared distance: prompt entry, recent entries

    # ---- once per frame -------------------------------------------------------------------------------------------------------------------------

    def encode(self, image: Tensor) -> FrameFeatures:
        """image [B, 3, H, W], RGB 0..255 float."""
        stride4, stride8, stride16, stride32 = self.encoder((image - PIXEL_MEAN) / PIXEL_STD)
        features = self.lateral16(stride16)
        features = features + _resize(self.lateral32(stride32), *features.shape[-2:])
        shrinkage = self.shrinkage(features) ** 2 + 1
        key = torch.cat([self.key(features), shrinkage], 1).flatten(2)
        return FrameFeatures(stride4, stride8, features, key, torch.sigmoid(self.selection(features)).flatten(2))

    @staticmethod
    def embedding(frame: FrameFeatures) -> Tensor:
        """[B, feature_channels], unit length: for memory policies that compare frames."""
        return functional.normalize(frame.stride16.mean((2, 3)), dim=1)

    # ---- per object -----------------------------------------------------------------------------------------------------------------------------

    def remembered(self, logits: Tensor) -> Tensor:
        """[N, H/4, W/4] logits -> probability [N, 1, ...] at the resolution that `memorise` takes."""
        return torch.sigmoid(logits[:, None]) if self.config.mask_stride == 4 else mask_probability(logits)

    def drawn(self, mask: Tensor) -> Tensor:
        """[N, 1, H, W] given mask -> [N, 1, ...] at the resolution that `memorise` takes."""
        return functional.avg_pool2d(mask, 4) if self.config.mask_stride == 4 else mask

    def memorise(self, frame: FrameFeatures, mask: Tensor) -> Tensor:
        """mask [N, 1, H/s, W/s] probability (`remembered` or `drawn`; s = mask_stride) -> value [N, value_channels, T]."""
        planes = torch.cat([mask, (mask > 0.5).to(mask.dtype)], 1)
        return self.memory2(self.memory1(self.memory_planes(planes * 2 - 1), frame.stride16)).flatten(2)

    def read(self, frame: FrameFeatures, memory_key: Tensor, memory_value: Tensor, score: Tensor, valid: Tensor) -> Tensor:
        """Bank [N, M, C, T], slot 0 always valid -> read-out [N, 2 * value_channels, h, w]: from all entries, and from the prompt entry (slot 0) alone;
        with `newest_entry` [N, 3 * value_channels + 2, h, w]: the value of the last valid slot and the strangeness (log of the distance to the most alike
        token; no gradient) follow.

        similarity = shrinkage / sqrt(C) * -sum_c selection_c (key_c - query_c)^2 + bias - locality * distance^2, written as one matrix product:
        everything that depends on the memory token stands on the left, everything that depends on the query on the right.
        """
        height, width = frame.stride16.shape[-2:]
        objects, slots = memory_key.shape[:2]
        memory_key, memory_value = memory_key.float(), memory_value.float()

        row, column = _grid(height, width, memory_key.device)
        right = self._query_side(frame, row, column)  # [B, 2C + 6, T]

        prompt_left = self._memory_side(memory_key[:, 0], self.anchor.expand(objects), 0.0, row, column)
        prompt_similarity = right.transpose(1, 2) @ prompt_left  # [N, T, T]
        prompt_value = memory_value[:, 0].transpose(1, 2)  # [N, T, Cv]
        from_prompt = torch.softmax(prompt_similarity, 2) @ prompt_value
        similarity = prompt_similarity
        if slots > 1:
            recent_key, recent_value = memory_key[:, 1:], memory_value[:, 1:]
            if self.config.pool_recent:
                recent_key, recent_value = _pool(recent_key, height, width), _pool(recent_value, height, width)
                row, column = _grid(height // 2, width // 2, memory_key.device)
            used = valid[:, 1:, None, None] > 0.5  # whatever an unused slot holds (even NaN) must not matter
            recent_key = torch.where(used, recent_key, torch.zeros_like(recent_key))
            recent_value = torch.where(used, recent_value, torch.zeros_like(recent_value))
            bias = self.trust * torch.log(score[:, 1:].clamp(0.05, 1.0))
            bias = torch.where(valid[:, 1:] > 0.5, bias, torch.full_like(bias, INVALID_SLOT_BIAS))
            tokens = recent_key.shape[-1]
            left = self._memory_side(
                recent_key.transpose(1, 2).flatten(2),
                bias[:, :, None].expand(-1, -1, tokens).flatten(1),
                1.0,
                row.repeat(slots - 1),
                column.repeat(slots - 1),
            )
            similarity = torch.cat([prompt_similarity, right.transpose(1, 2) @ left], 2)
            value = torch.cat([prompt_value, recent_value.transpose(2, 3).flatten(1, 2)], 1)
            from_all = torch.softmax(similarity, 2) @ value
        else:
            from_all = from_prompt
        if not self.config.prompt_readout:
            from_prompt = torch.zeros_like(from_all)
        parts = [from_all, from_prompt]
        if self.config.newest_entry:
            parts.append(_newest(memory_value, valid).transpose(1, 2))
            alike = torch.stack([prompt_similarity.detach().amax(2), similarity.detach().amax(2)], 2)
            parts.append(torch.log1p((-alike).clamp(min=0)))
        return torch.cat(parts, 2).transpose(1, 2).unflatten(2, (height, width))

    def _query_side(self, frame: FrameFeatures, row: Tensor, column: Tensor) -> Tensor:
        """[B, 2C + 6, T], the right factor of the similarity."""
        query, selection = frame.key[:, : self.config.key_channels].float(), frame.selection.float()
        ones = torch.ones_like(query[:, :1])
        place = torch.stack([row, column, row**2 + column**2])[None].expand(query.shape[0], -1, -1)
        return torch.cat([-selection, 2 * query * selection, -(selection * query**2).sum(1, keepdim=True), place, ones, ones], 1)

    def _memory_side(self, packed_key: Tensor, bias: Tensor, recent: float, row: Tensor, column: Tensor) -> Tensor:
        """packed_key [N, C + 1, S], bias [N] or [N, S] -> [N, 2C + 6, S], the left factor of the similarity."""
        channels = self.config.key_channels
        key, sharpness = packed_key[:, :channels], packed_key[:, channels:] / math.sqrt(channels)
        penalty = (10 * (self.locality[1] if recent else self.locality[0])) ** 2
        place = torch.stack([2 * penalty * row, 2 * penalty * column, -penalty * torch.ones_like(row), -penalty * (row**2 + column**2)])
        place = place[None].expand(key.shape[0], -1, -1)
        bias = (bias[:, None] if bias.dim() == 1 else bias)[:, None].expand(-1, 1, key.shape[2])
        return torch.cat([sharpness * key**2, sharpness * key, sharpness, place, bias], 1)

    def reading_peak(self, frame: FrameFeatures, memory_key: Tensor) -> Tensor:
        """Scalar: mean over the query tokens of the largest weight in reading one entry [B, C + 1, T]: 1 / T where all tokens weigh the same, 1 where one
        token is chosen and nothing about the choice can be learnt (`models.train.soften`)."""
        row, column = _grid(*frame.stride16.shape[-2:], memory_key.device)
        left = self._memory_side(memory_key.float(), memory_key.new_zeros(len(memory_key)), 0.0, row, column)
        return torch.softmax(self._query_side(frame, row, column).transpose(1, 2) @ left, 2).amax(2).mean()

    def decode(self, frame: FrameFeatures, readout: Tensor, leaning: bool = True) -> MaskOutput:
        """readout as `read` gives it; frame with B = 1 or N. `leaning` False leaves `NetworkConfig.lean` out: a loss that sees the raised logits lowers the others
        until nothing is left of it."""
        evidence = None
        if self.config.newest_entry:
            values = self.config.value_channels
            evidence = readout[:, 3 * values :]
            readout = readout[:, : 2 * values] + self.newest(readout[:, 2 * values :])
        x = self.fuse2(self.fuse1(readout, frame.stride16))
        logits = self.upsampler(x, frame)
        if leaning and self.config.lean:
            area = torch.sigmoid(logits).mean((1, 2), keepdim=True)
            logits = logits + self.config.lean * ((area - LEAN_AREA[0]) / (LEAN_AREA[1] - LEAN_AREA[0])).clamp(0, 1)
        iou, presence = self.score(x, logits, evidence)
        return MaskOutput(logits, iou, presence)

    def first_mask(self, frame: FrameFeatures, planes: Tensor) -> MaskOutput:
        """planes [N, 4, H, W] 0..1."""
        return MaskOutput(*self.prompt(planes, frame))


def _newest(memory_value: Tensor, valid: Tensor) -> Tensor:
    """[N, M, C, T], [N, M] -> [N, C, T], the value in each object's last valid slot; unused slots may hold anything."""
    slots = torch.arange(valid.shape[1], device=valid.device, dtype=valid.dtype)
    last = (torch.where(valid > 0.5, slots, torch.zeros_like(slots))).amax(1, keepdim=True)
    chosen = (slots[None] == last)[:, :, None, None]
    return torch.where(chosen, memory_value, torch.zeros_like(memory_value)).sum(1)


def mask_probability(logits: Tensor) -> Tensor:
    """[N, H/4, W/4] logits -> [N, 1, H, W] probability, as it goes into memory."""
    height, width = logits.shape[-2:]
    return torch.sigmoid(_resize(logits[:, None], height * 4, width * 4))


def _grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token centres in units of the picture's height and width, -0.5..0.5 each, flattened row-major."""
    row = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height - 0.5
    column = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width - 0.5
    return row[:, None].expand(-1, width).flatten(), column[None].expand(height, -1).flatten()


def _pool(tokens: Tensor, height: int, width: int) -> Tensor:
    """[N, M, C, h*w] -> [N, M, C, h*w/4], 2x2 means."""
    objects, slots, channels = tokens.shape[:3]
    return functional.avg_pool2d(tokens.reshape(objects * slots, channels, height, width), 2).reshape(objects, slots, channels, -1)
