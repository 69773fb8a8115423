"""The child process that distorts for the robustness grid: members in, copies' views out."""

import time
from typing import Any

import numpy as np

from doctored.data.decoding_worker import SIGN_OF_LIFE_S, cut, decode_member, describe_error
from doctored.data.equalisation import equalise
from doctored.data.members import Member
from doctored.errors import DoctoredError
from doctored.evaluate.grid import copy_seed, make_copy
from doctored.picture import Preprocess
from doctored.workers import Header, Reply, serve


def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
    """Answer {source, rows: [[member, box], ...], preprocess, equalisation, sides, cells, seed} with
    {results} and pixels, uint8 [rows, cells, n, n, 3].

    `cells` maps a cell's name to its chain; `sides` are the least and the greatest that the detector takes.
    A row that fails in any cell has an `error` and zeros. The parent hears {"alive": true} once a second.
    """
    preprocess = Preprocess.from_json(header["preprocess"])
    lowest, highest = header["sides"]
    chains = {name: tuple((step, strength) for step, strength in chain) for name, chain in header["cells"]}
    results: list[dict[str, Any]] = []
    size = preprocess.size
    copies = np.zeros((len(header["rows"]), len(chains), size, size, 3), np.uint8)
    last_sign = time.monotonic()

    def takes(width: int, height: int) -> bool:
        sides = (width, height)
        return lowest <= min(sides) and max(sides) <= highest and preprocess.fits(width, height)

    for views, (place, box) in zip(copies, header["rows"], strict=True):
        member = Member(*place)
        try:
            pixels = cut(decode_member(header["source"], member).pixels, box)
            if header["equalisation"] is not None:
                pixels = equalise(pixels, header["equalisation"]).pixels
            for view, (name, chain) in zip(views, chains.items(), strict=True):
                copy = make_copy(pixels, chain, copy_seed(header["seed"], name, member.name, box), takes)
                view[:] = preprocess.apply(copy)[0]
                if time.monotonic() - last_sign > SIGN_OF_LIFE_S:
                    reply({"alive": True})
                    last_sign = time.monotonic()
            results.append({})
        except (DoctoredError, MemoryError) as error:
            views[:] = 0
            results.append({"error": describe_error(error)})
    reply({"results": results}, [copies.data] if len(copies) else [])


if __name__ == "__main__":
    serve(handle)
