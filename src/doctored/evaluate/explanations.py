"""What the detector looked at: examples drawn, and whether the map points at what decides.

Overlays and sheets are those of `explain`. Curves, masks and the sanity check say how far to believe them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.detector import DEFAULT_BUDGET, Detector
from doctored.errors import TrainingError
from doctored.evaluate.curves import Curves, follow_curves
from doctored.evaluate.evaluation import Evaluation
from doctored.evaluate.pointing import compare_masks
from doctored.evaluate.reaction import Figures, figures_json
from doctored.evaluate.sample import Rows, draw_sample, read_pictures, read_views
from doctored.evaluate.white_box import as_reason, open_network
from doctored.explain import Explanation, explain
from doctored.picture import decode, encode_png
from doctored.version import __version__

REPORT, EXAMPLES = "explanations.json", "gradcam_results.json"
PICTURES, MASKED = 200, 500
PICTURES_A_GROUP = 4
# Truth and call, in the order of the examples.
GROUPS = {"true_fake": (1, 1), "false_fake": (0, 1), "true_real": (0, 0), "false_real": (1, 0)}
NO_MAP = "This detector has no evidence map, so nothing can be said of where it looked."
NO_PICTURE = "None of these pictures can be read as the detector sees them, so there is nothing to look at."

Progress = Callable[[int, int], None]


def examine_explanations(
    detector: Detector,
    evaluation: Evaluation,
    out: Path,
    run: Path | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    pictures: int = PICTURES,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Draw examples of each kind and measure the maps of what `evaluation` scored; files go into `out`.

    `run`: the folder with the detector's weights, for the sanity check; without, the file says that it could
    not be made. Returns the content of `explanations.json`. `progress(done, total)` counts pictures on the
    curves. Raises DataError where a source is gone, DetectorError where the detector fails.
    """
    judgements = evaluation.judgements
    told = evaluation.to_json()
    about = {key: told[key] for key in ("detector", "data", "split")} | {"doctored": __version__}
    report: dict[str, Any] = {**about, "budget": budget, "seed": seed}
    rows = draw_sample(judgements, pictures, seed)
    views, is_read = read_views(judgements.manifest, rows, detector.card.preprocess)
    views = views[is_read]
    report["available"] = bool(len(views)) and detector.run(views[:1]).evidence is not None
    examples: list[dict[str, Any]] = []
    if report["available"]:
        curves = follow_curves(detector.run, views, seed=seed, progress=progress)
        masks, masked = compare_masks(detector, judgements.manifest, _masked_rows(evaluation, seed))
        report["curves"] = curves.to_json()
        report["masks"] = {"pictures": masked, **figures_json(masks)} if masked else None
        report["sanity"] = _check_sanity(run, detector, views)
        report["insights"] = tell_insights(curves, masks if masked else None, report["sanity"])
        examples = list(_draw_examples(detector, evaluation, out, budget, seed))
    else:
        report["reason"] = NO_MAP if len(views) else NO_PICTURE
    for name, value in ((EXAMPLES, {**about, "pictures": examples}), (REPORT, report)):
        with written_aside(out / name) as aside:
            aside.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return report


def _masked_rows(evaluation: Evaluation, seed: int) -> Rows:
    judgements = evaluation.judgements
    has_mask = np.array([mask is not None for mask in judgements.manifest.column("mask")], bool)
    rows = np.flatnonzero(has_mask & judgements.is_scored)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:MASKED])


def _check_sanity(run: Path | None, detector: Detector, views: NDArray[np.uint8]) -> dict[str, Any]:
    try:
        network = open_network(run, detector, views)
    except TrainingError as error:
        return {"available": False, "reason": as_reason(error)}
    from doctored.evaluate.sanity import SEED, randomise_weights
    from doctored.evaluate.weights import new_network

    assert run is not None
    return randomise_weights(network, new_network(run, SEED), views)


def _draw_examples(
    detector: Detector, evaluation: Evaluation, out: Path, budget: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Some pictures of each group, at random, drawn as sheets: `fake-00.png`, `real-00.png`, ..."""
    judgements = evaluation.judgements
    called = judgements.logits >= 0
    random = np.random.default_rng(seed)
    numbers = {"real": 0, "fake": 0}
    for group, (label, call) in GROUPS.items():
        is_in_group = (judgements.labels == label) & (called == bool(call)) & judgements.is_scored
        rows = random.permutation(np.flatnonzero(is_in_group & judgements.is_in_domain))[:PICTURES_A_GROUP]
        for row, pixels in read_pictures(judgements.manifest, np.sort(rows)):
            if pixels is None:
                continue
            truth = "fake" if label else "real"
            explanation = explain(decode(encode_png(pixels)), detector, budget=budget, stability=False)
            if explanation.evidence is None:
                continue
            file = f"{truth}-{numbers[truth]:02d}.png"
            numbers[truth] += 1
            with written_aside(out / file) as aside:
                aside.write_bytes(encode_png(explanation.sheet()))
            identity = judgements.manifest.column("id")[row]
            names = {"file": file, "id": identity, "truth": truth, "called": "fake" if call else "real"}
            yield {**names, "group": group, **_describe(explanation)}


def _describe(explanation: Explanation) -> dict[str, Any]:
    prediction, probabilities = explanation.prediction, explanation.probabilities
    assert explanation.evidence is not None
    assert probabilities is not None
    return {
        "answer": prediction.label.value,
        "probability": {label.value: round(value, 6) for label, value in probabilities.items()},
        "logit": prediction.logit,
        "reasons": list(explanation.reasons),
        "evidence": [[round(float(value), 6) for value in row] for row in explanation.evidence],
    }


def tell_insights(curves: Curves, masks: Figures | None, sanity: dict[str, Any]) -> list[str]:
    """How far to believe the maps, a sentence each for curves, masks and sanity check."""
    gain = curves.gain("deletion")
    sentences = []
    if gain.value is not None and gain.low is not None and gain.high is not None:
        interval = f"{gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}] of the area under the curve"
        if gain.low > 0:
            sentences.append(
                "The map points at what decides: wiping out cells in its order lowers the probability sooner "
                f"than in random order does, by {interval}."
            )
        else:
            sentences.append(
                "On these pictures the map is not shown to point at what decides: wiping out cells in its "
                f"order differs from random order by {interval}."
            )
    if masks is not None and masks["pointing"].value is not None and masks["area"].value is not None:
        sentences.append(
            f"The strongest pixel lies in the mask in {masks['pointing'].value:.0%} of "
            f"{masks['pointing'].n:,} pictures; pointing blindly would hit {masks['area'].value:.0%}."
        )
    if sanity["available"]:
        last = sanity["steps"][-1]["correlation"]["value"]
        sentences.append(
            f"With random weights the map is another (rank correlation {last:.2f}): it shows the network, "
            "not just the picture."
            if sanity["passes"]
            else f"With random weights the map stays too much alike, or just turns over (rank correlation "
            f"{last:.2f}): it may show the picture more than the network."
        )
    return sentences
