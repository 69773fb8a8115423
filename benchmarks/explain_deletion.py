"""`explain.deletion`: does a detector's map point at what decides? Deletion against random order, paired.

    python -m benchmarks.explain_deletion --data cifake.zip --detector FILE

`explain.deletion` is by how much the area under the deletion curve is smaller in the map's order than in
random order, and `explain.insertion` by how much that under the insertion curve is larger: the mean over
pictures of the test split, with a bootstrap interval over them. Above 0 is better than random. `.evidence`
and `.random` are the areas themselves.
"""

from collections.abc import Sequence

from benchmarks import options as commands
from benchmarks.results_file import Figure, kept
from doctored.detector import open_detector
from doctored.evaluate import evaluate
from doctored.evaluate.curves import WAYS, follow_curves
from doctored.evaluate.reaction import mean_figure
from doctored.evaluate.sample import draw_sample, read_views


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    commands.add_detector(parser)
    parser.add_argument("--pictures", type=int, default=1000, help="how many test pictures")
    options = parser.parse_args(arguments)
    with open_detector(options.detector) as detector:
        judgements = evaluate(detector, commands.data_of(options), "test").judgements
        rows = draw_sample(judgements, options.pictures)
        views, is_read = read_views(judgements.manifest, rows, detector.card.preprocess)
        curves = follow_curves(detector.run, views[is_read])
        name = detector.card.name
    own = commands.id_part(name)
    figures: dict[str, Figure] = {}
    for way in WAYS:
        evidence, random = curves.areas(way)
        figures[f"explain.{way}{own}"] = kept(curves.gain(way), "area")
        figures[f"explain.{way}{own}.evidence"] = kept(mean_figure(evidence), "area")
        figures[f"explain.{way}{own}.random"] = kept(mean_figure(random), "area")
    commands.finish("explain_deletion", figures, options)


if __name__ == "__main__":
    main()
