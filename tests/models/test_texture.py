"""The texture of small pictures, against numpy, and what it is for."""

import numpy as np
import pytest
import torch

from doctored.models.texture import LEAST_SIDE, WIDTH, texture


def expected(picture):
    """float64 [H, W, 3] → [78], by loops."""
    channels = [picture.mean(2), picture[..., 0] - picture[..., 1], picture[..., 2] - picture[..., 1]]
    found = []
    for scale in (1, 2, 4, 8):
        of_scale = []
        for channel in channels:
            side = len(channel) // scale
            seen = np.array(
                [
                    [
                        channel[scale * y : scale * (y + 1), scale * x : scale * (x + 1)].mean()
                        for x in range(side)
                    ]
                    for y in range(side)
                ]
            )
            step = max(1, 4 // scale)
            logs, sparse = [], []
            for top in range(0, side - step, step):
                for left in range(0, side - step, step):
                    total = steps = 0.0
                    for y in range(top, top + step):
                        for x in range(left, left + step):
                            across, down = seen[y, x + 1] - seen[y, x], seen[y + 1, x] - seen[y, x]
                            total += (across**2 + down**2) / 2
                            steps += (abs(across) + abs(down)) / 2
                    logs.append(np.log(total / step**2 + 1))
                    sparse.append(logs[-1] - 2 * np.log(steps / step**2 + 1))
            magnitude = np.abs([np.diff(seen, axis=0)[:, :-1], np.diff(seen, axis=1)[:-1]]).mean()
            bend = np.abs(np.diff(seen, 2, 0)).mean() + np.abs(np.diff(seen, 2, 1)).mean()
            energies = [np.mean(logs), np.std(logs), np.min(logs), np.max(logs)]
            bent = np.log(bend + 1) - np.log(magnitude + 1)
            of_sparse = [np.mean(sparse), np.std(sparse)] if scale < 8 else []
            of_scale.append([*energies, *of_sparse, bent])
        found += np.array(of_scale).T.ravel().tolist()
    return np.array(found)


@pytest.mark.parametrize("side", [LEAST_SIDE, 32, 48])
def test_texture_is_that_of_plain_loops(side):
    pictures = np.random.default_rng(side).uniform(0, 255, (3, side, side, 3))
    found = texture(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()
    assert found.shape == (3, WIDTH)
    for row, picture in zip(found, pictures, strict=True):
        np.testing.assert_allclose(row, expected(picture), atol=1e-9)


def test_a_flat_picture_has_no_texture_and_brightness_does_not_matter():
    torch.testing.assert_close(texture(torch.full((1, 3, 32, 32), 77.0)), torch.zeros(1, WIDTH))
    draw = torch.from_numpy(np.random.default_rng(0).uniform(0, 200, (2, 3, 32, 32)))
    torch.testing.assert_close(texture(draw), texture(draw + 50), atol=1e-6, rtol=0)


def test_a_smaller_picture_is_continued_by_its_last_pixels():
    draw = np.random.default_rng(1).uniform(0, 200, (2, 3, 9, 30))
    whole = np.pad(draw, ((0, 0), (0, 0), (0, LEAST_SIDE - 9), (0, 0)), mode="edge")
    torch.testing.assert_close(texture(torch.from_numpy(draw)), texture(torch.from_numpy(whole)))
