"""The compact network trained by plain Keras 3 on TensorFlow: one JSON line an epoch on stdout.

Runs in its own environment and imports nothing of ours; benchmarks/train_vs_keras.py starts it. With
--steered it waits for a line on stdin before each epoch, so that two frameworks can take turns.

What it computes is what `doctored train` computes: the same layers, batches of 256, label smoothing,
mirrored half of the time, shifted by up to two reflected pixels, a tenth of the pictures turned by up to
five degrees. How it computes it is what Keras and tf.data recommend: pictures in memory, shuffle, batch,
augmentation mapped over whole batches in parallel, prefetch; one `fit`. fp32.
"""

import argparse
import json
import math
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

BATCH = 256
CROP = 2
ROTATE_DEGREES = 5.0
ROTATE_SHARE = 0.1


def compact_network(mean: np.ndarray, variance: np.ndarray, side: int) -> keras.Model:
    network = keras.Sequential(
        [keras.Input((side, side, 3)), layers.Normalization(mean=mean, variance=variance)]
    )
    for channels in (32, 64, 128):
        network.add(layers.Conv2D(channels, 3, padding="same", activation="relu"))
        network.add(layers.BatchNormalization())
        network.add(layers.MaxPooling2D())
    network.add(layers.GlobalAveragePooling2D())
    network.add(layers.Dropout(0.0))
    network.add(layers.Dense(1))
    return network


def augment_with_layers():
    """Keras' own augmentation layers, as its guides recommend inside a tf.data pipeline."""
    shift = layers.RandomTranslation(CROP / 32, CROP / 32, fill_mode="reflect", interpolation="nearest")
    moved = keras.Sequential([layers.RandomFlip("horizontal"), shift])
    turn = layers.RandomRotation(ROTATE_DEGREES / 360, fill_mode="reflect")
    turned = math.ceil(ROTATE_SHARE * BATCH)  # a fixed share of a shuffled batch: the cheapest for Keras

    def augment(pictures, labels):
        pictures = moved(tf.cast(pictures, tf.float32), training=True)
        pictures = tf.concat([turn(pictures[:turned], training=True), pictures[turned:]], 0)
        return pictures, labels

    return augment


def augment_with_gather():
    """The same moves as one gather of whole pixels: less work for tf.data than affine layers."""
    turn = layers.RandomRotation(ROTATE_DEGREES / 360, fill_mode="reflect")
    turned = math.ceil(ROTATE_SHARE * BATCH)

    def augment(pictures, labels):
        count, side = tf.shape(pictures)[0], pictures.shape[1]
        padded = tf.pad(pictures, [[0, 0], [CROP, CROP], [CROP, CROP], [0, 0]], "REFLECT")
        starts = tf.random.uniform((2, count, 1), 0, 2 * CROP + 1, tf.int32)
        rows, columns = starts[0] + tf.range(side), starts[1] + tf.range(side)
        mirrored = tf.random.uniform((count, 1)) < 0.5
        columns = tf.where(mirrored, tf.reverse(columns, [1]), columns)
        moved = tf.gather(tf.gather(padded, rows, batch_dims=1), columns, axis=2, batch_dims=1)
        moved = tf.cast(tf.ensure_shape(moved, pictures.shape), tf.float32)
        return tf.concat([turn(moved[:turned], training=True), moved[turned:]], 0), labels

    return augment


AUGMENTS = {"layers": augment_with_layers, "gather": augment_with_gather}


class Report(keras.callbacks.Callback):
    def __init__(self, pictures: int, steered: bool) -> None:
        super().__init__()
        self.pictures, self.steered = pictures, steered

    def on_epoch_begin(self, epoch, logs=None):
        if self.steered:
            sys.stdin.readline()
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        rate = self.pictures / (time.perf_counter() - self.started)
        print(json.dumps({"epoch": epoch + 1, "pictures_per_second": rate, "loss": logs["loss"]}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pixels", help="uint8 [N, H, W, 3], .npy")
    parser.add_argument("labels", help="[N], .npy; fake is 1")
    parser.add_argument("rows", help="which of them to train on, .npy")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--augment", choices=AUGMENTS, required=True)
    parser.add_argument("--jit", action="store_true", help="compile the step with XLA")
    parser.add_argument("--steered", action="store_true", help="wait for a line on stdin before each epoch")
    options = parser.parse_args()

    rows = np.load(options.rows)
    pixels = np.load(options.pixels, mmap_mode="r")[rows]
    labels = np.load(options.labels)[rows].astype("float32")[:, None]
    steps = len(rows) // BATCH
    sample = pixels[:: max(1, len(pixels) // 5000)].astype("float64")
    network = compact_network(sample.mean((0, 1, 2)), sample.var((0, 1, 2)), pixels.shape[1])
    network.compile(
        optimizer=keras.optimizers.AdamW(1e-3, weight_decay=0.05),
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.04),
        jit_compile=options.jit,
    )
    batches = (
        tf.data.Dataset.from_tensor_slices((pixels, labels))
        .cache()
        .shuffle(len(rows))
        .batch(BATCH, drop_remainder=True)
        .map(AUGMENTS[options.augment](), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    report = Report(steps * BATCH, options.steered)
    network.fit(batches, epochs=options.epochs, shuffle=False, verbose=0, callbacks=[report])


if __name__ == "__main__":
    main()
