"""`train.vs_keras_full`: pictures a second with the whole recipe on, against plain Keras 3 on TensorFlow.

    python -m benchmarks.train_vs_keras_full --data cifake.zip --env keras-env

Ours trains as for a robust network: moving average, label smoothing, crops, flips, small rotations, half of
the pictures sent through delivery chains (scaled, blurred, noisy, saved as JPEG), CutMix in three batches of
ten. Keras trains as in `train_vs_keras`, in its fastest way: it has none of these but flips, crops, rotations
and smoothing. Twice, one after the other: ours as it runs for everyone (`train.vs_keras_full`), and ours held
to fp32, as Keras is (`train.vs_keras_full_fp32`). A draw of 12,800 pictures (`--pictures`) makes an eighth of
the steps of the whole of CIFAKE. So that ours decides about compiling as it would there, its run is planned
for eight times the epochs, of which the race takes the first few.
"""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.train_vs_keras import start
from doctored.training import Recipe

FULL = Recipe(deliver=0.5, cutmix=0.3, epochs=8 * Recipe().epochs)
RECIPES = {"train.vs_keras_full": FULL, "train.vs_keras_full_fp32": replace(FULL, precision="fp32")}


def main(arguments: Sequence[str] | None = None) -> None:
    start(__doc__ or "", "train_vs_keras_full", RECIPES, arguments)


if __name__ == "__main__":
    main()
