"""`audit.casia1.*`: CASIA v1, read with its masks and sources, split at random and by group, and equalised.

    python -m benchmarks.audit_casia1 --data casia1.zip

`audit.casia1.pairs`: pictures with a mask. `.random_leak`: the share of test pictures that leak, rows being
split at random; `.group_leak`: the same after mending, whose splits keep groups and near copies together.
`.tables_before` and `.tables_after`: the AUC of the quantisation tables alone,
as the files are and after the equalisation that `--fix` declares.
"""

import sys

import numpy as np

from benchmarks import options as commands
from benchmarks.results_file import Figure
from doctored.data.audit import Audit, audit, collect_facts, judge_facts
from doctored.data.audit.mend import mend
from doctored.data.readers import read_dataset


def tables_figure(judged: Audit) -> Figure:
    score = next(rule.score for rule in judged.rules if rule.name == "quantisation_table")
    if score is None:
        return Figure(0.5, "AUC", len(judged.facts))
    return Figure(score.auc, "AUC", score.n, score.low, score.high)


def main() -> int:
    parser = commands.parser(__doc__ or "", timed=False)
    given = parser.parse_args()
    manifest = read_dataset(commands.data_of(given))
    in_test = np.random.default_rng(0).random(len(manifest)) < 0.2
    at_random = manifest.with_columns(split=["test" if test else "train" for test in in_test])
    before = judge_facts(collect_facts(at_random), with_models=False)
    mended = mend(judge_facts(collect_facts(manifest), with_models=False))
    after = audit(mended.manifest, with_models=False)
    masks = sum(mask is not None for mask in manifest.column("mask"))
    leaks = {"random_leak": before.leaks, "group_leak": after.leaks}
    figures = {"audit.casia1.pairs": Figure(masks, "pictures", len(manifest))}
    for name, found in leaks.items():
        share = found.leaked["any"] / found.test_rows
        figures[f"audit.casia1.{name}"] = Figure(share, "share", found.test_rows)
    figures["audit.casia1.tables_before"] = tables_figure(before)
    figures["audit.casia1.tables_after"] = tables_figure(after)
    commands.finish("audit_casia1", figures, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
