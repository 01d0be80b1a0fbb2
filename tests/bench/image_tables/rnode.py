# SPDX-License-Identifier: Apache-2.0
"""RNODE's penalties on MNIST at 14 x 14: two arms, three seeds."""
import shutil

from comparison.text import table
from image_tables.runs import Run, result
from regularization import mean_and_spread

ARMS = {"none": 0, "both": 0.01}
SEEDS = [1, 2, 3]
SOLVES = 6  # of mnist14
THREADS = 1
RUNS = {(arm, seed): Run(f"mnist14/{arm}-s{seed}", "mnist14.yaml",
                         [f"seed={seed}", f"solve.regularizers.kinetic.weight={weight}",
                          f"solve.regularizers.jacobian.weight={weight}", "data.validation=400",
                          "train.evaluate_every=50"])
        for seed in SEEDS for arm, weight in ARMS.items()}
PUBLISHED = """Published (Finlay et al. 2020, at 28 x 28, width 64, all images, 100 epochs on one GPU): 0.97 bits per dimension in 24.4
hours with both penalties, 0.97 in 68.5 hours without, whose evaluations a solve climb to hundreds."""


def shown(values, digits):
    mean, spread = mean_and_spread(values)
    return f"{mean:.{digits}f} ± {spread:.{digits}f}" if len(values) > 1 else f"{mean:.{digits}f}"


def mean(values):
    return sum(values) / len(values)


def outcome(found):
    rows = []
    for arm in ARMS:
        done = [r for (a, _), r in found.items() if a == arm and r.survived]
        stopped = [f"seed {s} at step {r.summary['steps']}" for (a, s), r in found.items() if a == arm and not r.survived]
        if not done:
            rows.append([arm, 0, ", ".join(stopped) or "not trained yet"] + [""] * 5)
            continue
        rows.append([arm, len(done), shown([r.test["bits_per_dim"] for r in done], 3),
                     shown([r.test["evaluations"] / SOLVES for r in done], 1),
                     shown([r.summary["evaluations"]["forward_mean"] / SOLVES for r in done], 1),
                     shown([r.summary["train_seconds"] / 60 for r in done], 1),
                     shown([r.processor / 60 for r in done], 1), ", ".join(stopped) or "none"])
    return table(["penalties", "seeds", "test bits per dimension", "evaluations a solve, test (1e-5)",
                  "training, all steps (1e-3)", "minutes", "processor minutes", "stopped"], rows)


def saved(found):
    """What the penalties save, over the seeds that both arms have."""
    seeds = [s for s in SEEDS if all((arm, s) in found and found[arm, s].survived for arm in ARMS)]
    if not seeds:
        return []
    test, training = ({arm: mean([of(found[arm, s]) for s in seeds]) for arm in ARMS} for of in (
        lambda r: r.test["evaluations"], lambda r: r.summary["evaluations"]["forward_mean"]))
    bits = {arm: mean([found[arm, s].test["bits_per_dim"] for s in seeds]) for arm in ARMS}
    return [f"Over {len(seeds)} seed{'s' if len(seeds) > 1 else ''} of both arms the penalties change evaluations by "
            f"{100 * (test['both'] / test['none'] - 1):+.0f} % in the test and {100 * (training['both'] / training['none'] - 1):+.0f} % "
            f"in training, and the test by {bits['both'] - bits['none']:+.3f} bits per dimension.", ""]


def course(found):
    """Over training: of both arms at the steps of their validations."""
    rows = []
    for arm in ARMS:
        done = [r for (a, _), r in found.items() if a == arm and r.survived]
        if not done:
            continue
        for step in sorted(set.intersection(*(set(r.validations()) for r in done))):
            at = [r.validations()[step] for r in done]
            training = [r.training()[step] for r in done if step in r.training()]
            rows.append([arm, step, f"{mean([r.seconds[step] for r in done if step in r.seconds]) / 60:.1f}",
                         f"{mean([v['bits_per_dim'] for v in at]):.3f}",
                         f"{mean([v['evaluations'] for v in at]) / SOLVES:.1f}",
                         f"{mean([t['evaluations_forward'] for t in training]) / SOLVES:.1f}" if training else "-"])
    return table(["penalties", "step", "minutes", "bits per dimension, 400 held-out images", "evaluations a solve (1e-5)",
                  "in training (1e-3)"], rows)


def pictures(found, page):
    """Samples of the first seed of each arm, copied beside the page."""
    lines = []
    for arm in ARMS:
        run = found.get((arm, SEEDS[0]))
        for name in ("samples", "paths"):
            source = run.folder / "pictures" / f"{name}.png" if run else None
            if not source or not source.exists():
                continue
            copy = page.parent / f"mnist14-{arm}-{name}.png"
            shutil.copyfile(source, copy)
            lines += [f"![{name} of the model, penalties: {arm}]({copy.name})", ""]
    return ["Samples of seed 1, and where there are two pictures of an arm, paths from the base distribution:", "", *lines] \
        if lines else []


def section(runs, page):
    found = {key: result(runs, run) for key, run in RUNS.items()}
    missing = [run.folder for key, run in RUNS.items() if not found[key]]
    found = {key: r for key, r in found.items() if r}
    for r in found.values():
        r.folder = runs / r.run.folder
    example = RUNS["both", 1]
    lines = ["## MNIST at 14 x 14: what RNODE's penalties save", "",
             f"Commands: `{example.command()}`, and so for seeds 2 and 3, and with both weights 0; each with "
             "`--set device.threads=1`, two at a time.", "",
             "10,000 images, width 16, 10 epochs of batches of 200; dopri5 at 1e-3 in training and 1e-5 in validation and "
             "test, both arms alike. Evaluations are of one solve, the mean of six; ± is the deviation over seeds. Tested is "
             "the checkpoint that is best in validation.", ""]
    lines += outcome(found) + saved(found)
    if missing:
        lines += ["Not trained yet: " + ", ".join(missing) + ".", ""]
    over = course(found)
    if over:
        lines += ["Over training, means over the seeds:", "", *over]
    return lines + pictures(found, page) + PUBLISHED.split("\n") + [""]
