"""JPEG there and back for a whole batch, in tensors, each picture at a quality of its own.

What pictures lose in a file they lose by colour conversion, halved chroma and rounded coefficients (ITU-T
T.81, JFIF 1.02), and these are sums; the coding after them loses nothing. Tables, rounding and how chroma is
halved and enlarged are libjpeg's. Its transform in whole numbers lets a few coefficients fall to the other
side: most values are the same, one in ten differs by more than a grey level. At 32×32 this takes an eighth of
the time of a file in memory, at 224×224 twice as long.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from doctored.picture.jpeg_history.blocks import BLOCK, DCT, REC_601
from doctored.picture.jpeg_history.tables import ANNEX_K_CHROMA, ANNEX_K_LUMA, standard_table

UNIT = 2 * BLOCK  # pixels a side that one block of chroma covers
MIDDLE = 128.0
HALF = 0.5 + 1e-4  # a half is one, however the sums before it were rounded
TO_LUMA_AND_CHROMA = torch.tensor(
    [REC_601, (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411)]
)
UP_DOWN_DOWN = torch.tensor([[HALF], [1 - HALF], [1 - HALF]])
FROM_CHROMA = torch.tensor([[0.0, 1.402], [-0.344136286, -0.714136286], [1.772, 0.0]])
TRANSFORM = torch.kron(torch.from_numpy(DCT), torch.from_numpy(DCT))  # [frequency, sample] of whole blocks


def jpeg(pixels: Tensor, quality: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] and libjpeg's qualities, int64 [N] → the same, saved (4:2:0) and opened.

    Pictures less than 5 pixels wide are opened with smoother chroma than libjpeg's.
    """
    count, height, width, _ = pixels.shape
    rgb = pixels.permute(0, 3, 1, 2).contiguous().float()
    down, across = -height % UNIT, -width % UNIT
    if down or across:
        rgb = functional.pad(rgb, (0, across, 0, down), mode="replicate")
    ycc = (TO_LUMA_AND_CHROMA @ rgb.flatten(2) + UP_DOWN_DOWN).floor_().view(rgb.shape)
    luma = code(ycc[:, :1] - MIDDLE, tables(ANNEX_K_LUMA)[quality])
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    chroma = halve(ycc[:, 1:, : 2 * half_height])
    if down:  # below a picture libjpeg continues the halved rows, beside it the whole columns
        chroma = functional.pad(chroma, (0, 0, 0, -half_height % BLOCK), mode="replicate")
    chroma = code(chroma, tables(ANNEX_K_CHROMA)[quality])
    chroma = enlarge(chroma[:, :, :half_height, :half_width])
    coloured = (FROM_CHROMA @ chroma.flatten(2)).round_().view(count, 3, *chroma.shape[2:])
    opened = coloured[:, :, :height, :width] + (luma[:, :, :height, :width] + MIDDLE)
    return opened.clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def code(samples: Tensor, steps: Tensor) -> Tensor:
    """What is left of planes float [N, C, H, W], -128 to 127, whose blocks' coefficients are rounded to
    multiples of `steps`, float [N, 64]."""
    count, planes, height, width = samples.shape
    rows, columns = height // BLOCK, width // BLOCK
    blocks = (
        samples.view(count, planes, rows, BLOCK, columns, BLOCK).transpose(3, 4).reshape(count, -1, BLOCK**2)
    )
    levels = (blocks @ TRANSFORM.T).div_(steps[:, None])
    levels.add_(levels.sign(), alpha=HALF).trunc_()  # halves away from zero
    kept = (levels.mul_(steps[:, None]) @ TRANSFORM).add_(HALF).floor_()
    kept = kept.clamp_(-MIDDLE, MIDDLE - 1).view(count, planes, rows, columns, BLOCK, BLOCK)
    return kept.transpose(3, 4).reshape(samples.shape)


def halve(planes: Tensor) -> Tensor:
    """Means of 2×2 whole values, a half rounded down and up in turn, as libjpeg does."""
    sums = planes[..., ::2, :] + planes[..., 1::2, :]
    sums = sums[..., ::2] + sums[..., 1::2]
    sums[..., ::2] += 1
    sums[..., 1::2] += 2
    return sums.div_(4).floor_()


def enlarge(planes: Tensor) -> Tensor:
    """Twice the sides, each value three parts of the nearest and one of the next; a half is rounded up and
    down in turn, as libjpeg does."""
    height, width = planes.shape[2:]
    twice = triangles(height) @ planes @ triangles(width).T
    twice[..., ::2] += 8 / 16
    twice[..., 1::2] += 7 / 16
    return twice.floor_()


@cache
def triangles(size: int) -> Tensor:
    """float [2·size, size]: what linear interpolation makes of each value."""
    every = torch.eye(size)[None]
    twice = functional.interpolate(every, scale_factor=2.0, mode="linear", align_corners=False)
    return twice[0].T.contiguous()


@cache
def tables(base: tuple[int, ...]) -> Tensor:
    """float [101, 64]: the steps at each quality; there is no quality 0."""
    return torch.tensor(
        [standard_table(max(1, quality), base) for quality in range(101)], dtype=torch.float32
    )
