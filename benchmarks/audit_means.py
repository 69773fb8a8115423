"""`audit.means`: the audit's exact channel statistics against numpy in float64.

    python -m benchmarks.audit_means --data cifake.zip

Over the first pictures of the set: the largest difference, in units of 0 to 1, between the audit's means and
deviations, taken in one pass with whole-number sums, and numpy's of all pixels at once. The figure's ID is
`audit.means.largest_difference`.
"""

import sys

import numpy as np

from benchmarks import options as commands
from benchmarks.results_file import Figure
from doctored.data.audit.channels import measure_channels
from doctored.data.audit.facts import collect_facts
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset
from doctored.picture import decode


def main() -> int:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--pictures", type=int, default=20_000)
    given = parser.parse_args()
    path = commands.data_of(given)
    manifest = read_dataset(path)
    chosen = np.sort(np.random.default_rng(0).permutation(len(manifest))[: given.pictures])
    manifest = manifest.select(chosen)
    ours = measure_channels(collect_facts(manifest)).parts["all"]
    with MemberStore(path) as store:
        parts = [decode(store.read(name)).pixels.reshape(-1, 3) for name in manifest.column("member")]
    pixels = np.concatenate(parts).astype(np.float64) / 255
    theirs = [*pixels.mean(axis=0), *pixels.std(axis=0)]
    difference = float(np.abs(np.array([*ours.mean, *ours.deviation]) - theirs).max())
    figures = {"audit.means.largest_difference": Figure(difference, "of 1", len(manifest))}
    commands.finish("audit_means", figures, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
