"""A training run of seconds, for tests: `python small_training.py DATA OUT` starts or resumes it."""

import sys

from doctored.training import Recipe, train

SMALL = Recipe(
    epochs=3, batch_size=16, val_fraction=0.25, average=0.9, precision="fp32", compile="off", threads=1
)

if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2], SMALL, device="cpu")
