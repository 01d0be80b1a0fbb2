# SPDX-License-Identifier: Apache-2.0
"""docs/results/cpu.md from what was measured."""
import os
import statistics
from dataclasses import dataclass, field

from comparison import targets
from comparison.text import number, percent, table
from provenance import commit, processor


@dataclass
class Measured:
    options: object
    found: object
    results: list = field(default_factory=list)
    floors: object = None
    images: list = field(default_factory=list)
    lengths: list = field(default_factory=list)
    scaling: dict = field(default_factory=dict)
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    commit: str = field(default_factory=commit)  # when it began

    def of(self, workload, threads=None):
        return [r for r in self.results if r.job.workload == workload and threads in (None, r.threads)]


def head(m, seconds):
    load = os.getloadavg()
    lines = ["# Training on a CPU, beside the peers", "", f"Command: `{m.options.command}`  ", f"Commit: {m.commit}  ",
             f"CPU: {processor()}, {os.cpu_count()} cores; load average at the start {m.load:.1f}, at the end {load[0]:.1f}; "
             f"{seconds / 60:.0f} minutes  "]
    if m.load > 1.0:
        lines.append("**The machine had other work at the same time: times and ratios below are disturbed.**  ")
    lines += ["", "Peers, each in an environment of its own:", ""]
    lines += [f"- {note}" for note in m.found.notes]
    lines += [f"- missing: {why}" for why in m.found.missing] or ["- missing: none"]
    return lines + ["", ABOUT, ""]


ABOUT = """One step is one forward and backward pass without the optimizer, float32; medians of repeats that go round over
everybody, each the last of a fifth of a second of runs, while all others are stopped. All get the same parameters, data and probe, written by odeum. Ratio: a peer's time over odeum's; in rows of
two threads the peer's better one of one and two threads. torchdiffeq's rk4 is the 3/8 rule (kutta38); diffrax gets it as a
tableau, PIDController with torchdiffeq's norm (largest RMS of the members) and an error order of 5,
RecursiveCheckpointAdjoint with a checkpoint for each step where odeum has backprop, and BacksolveAdjoint where odeum has
adjoint. XLA is compiled and warm; torch.compile compiles the right-hand side with its vector-Jacobian products.

- W1, W2: 2-64-64-64-2, batch 512, hidden weights twice their initial values. W1: dopri5 at 1e-5. W2: four steps, kinetic
  and Jacobian penalties, Hutchinson.
- W3: 43-860-860-43, concatsquash softplus, batch 1000, Hutchinson.
- W4: 3 x 3 convolutions 1-64-64-64-1 with a channel for t, softplus, 28 x 28, batch 64, Hutchinson.
- W5: nested spheres, softplus, width 2000, batch 200, dopri5 at 1e-5. Gradient error: against backprop in float64 at 1e-9.
  gauss_legendre beside torchdiffeq's solver with the published quadrature (0.1 nodes a forward evaluation).
- W6: float64, one thread, dopri5, rtol 1e-7, atol 1e-9, 1,000 points of dense output.
- W7: the net of W3, batch 200, steps of 0.125 of the 3/8 rule.
- GF/s and shares: of matrix products or convolutions alone: an evaluation with D Jacobian products costs (1 + D) F, its
  derivative twice that, F = 2 rows sum(in out); an adjoint's backward evaluation is both. Peak: fused multiply-adds in
  registers. Floor: the same products, each at the fastest rate that odeum, OpenBLAS, MKL or oneDNN reaches for it alone.
"""


def milliseconds(timing):
    if timing is None or not timing.ms:
        return "-"
    return number(timing.median) + (" (once)" if len(timing.ms) == 1 else "")


def across_threads(m, result, family):
    """The family's best time at this job: with two threads the better of one and two."""
    again = [r for r in m.results if r.job is result.job or (r.job.workload, r.job.label) ==
             (result.job.workload, result.job.label)]
    found = [r.best(family) for r in again if r.threads <= result.threads]
    return min((t for t in found if t), key=lambda t: t.median, default=None)


def ratio(mine, theirs):
    return "-" if mine is None or theirs is None else f"{theirs.median / mine.median:.1f}"


def training(m, workload):
    results = m.of(workload)
    names = []
    for r in results:
        names += [t.name for t in r.timings if t.family in ("torchdiffeq", "diffrax") and t.name not in names]
    rows, remarks = [], []
    for r in results:
        mine = r.odeum
        gflops = r.job.flop(mine.forward, mine.backward) / (1e6 * mine.median)
        floor = m.floors.ms(r.job, r.threads, mine.forward, mine.backward)
        peak = m.floors.peak.get(r.threads)
        by_name = {t.name: t for t in r.timings}
        rows.append([r.job.label, r.threads, milliseconds(mine), f"{mine.forward} + {mine.backward}",
                     *(milliseconds(by_name.get(name)) for name in names),
                     ratio(mine, across_threads(m, r, "torchdiffeq")), ratio(mine, across_threads(m, r, "diffrax")),
                     f"{gflops:.0f}", percent(gflops, peak), percent(floor, mine.median)])
        for other in r.timings:
            if other.family == "odeum" and other is not mine:
                rows.append([f"{r.job.label}; {other.name}", r.threads, milliseconds(other), "", *("" for _ in names), "",
                             "", "", "", ""])
            if other.problem and other.family != "SciPy":
                remarks.append(f"{other.name}: {other.problem}")
    header = ["", "threads", "odeum ms", "evaluations", *(f"{name} ms" for name in names), "over torchdiffeq",
              "over diffrax", "GF/s", "of peak", "of floor"]
    return table(header, rows) + reasons(remarks)


def reasons(remarks):
    return [f"- {remark}" for remark in dict.fromkeys(remarks)] + ([""] if remarks else [])


def networks(m):
    rows, remarks = [], []
    for threads in (1, 2):
        for r in m.of("W5", threads):
            for t in r.timings:
                if t.problem:
                    remarks += [f"{t.name}, {r.job.label}: {t.problem}"] if t.family != "SciPy" else []
                    continue
                name = t.name if t.family == "odeum" else f"{t.name} {r.job.label}"
                floor = m.floors.ms(r.job, threads, t.forward, t.backward) if name == "odeum backprop" else None
                rows.append([name, threads, milliseconds(t), f"{t.difference:.1e}", t.forward, t.backward or "-",
                             percent(floor, t.median)])
    return table(["gradient", "threads", "ms", "gradient error", "forward", "backward", "of floor"],
                 rows) + reasons(remarks)


def tiny(m):
    rows = []
    for r in m.of("W6"):
        for t in r.timings:
            if t.ms:
                each = 1e3 * t.median / t.forward
                rows.append([r.job.label, t.name, number(t.median), t.forward, f"{each:.3g}",
                             ratio(r.odeum, t), f"{each / (1e3 * r.odeum.median / r.odeum.forward):.0f}",
                             f"{t.difference:.1e}"])
    return table(["", "", "ms", "evaluations", "us an evaluation", "time over odeum's", "an evaluation, over odeum's",
                  "difference of the end"], rows)


def floors(m):
    rows = [[threads, "peak", "", number(value), ""] for threads, value in sorted(m.floors.peak.items())]
    for (threads, role, count, out, into, side), rate in sorted(m.floors.rates.items()):
        shape = f"{count} x {out} x {into}" + (f", {side} x {side} pixels" if side else "")
        rows.append([threads, role.replace("_", " "), shape, number(rate.gflops), rate.by])
    return table(["threads", "product", "rows x out x in", "GF/s", "by"], rows)


def answers(m):
    rows = []
    for r in m.results:
        if r.job.workload in ("W5", "W6"):
            continue
        for t in r.timings:
            if t.ms and t.name != "odeum":
                loss = abs(t.loss - r.odeum.loss) / abs(r.odeum.loss) if t.family != "odeum" else 0.0
                good = "yes" if max(loss, t.difference) <= r.job.tolerance else "**no**"
                rows.append([f"{r.job.workload} {r.job.label}", r.threads, t.name, f"{loss:.1e}", f"{t.difference:.1e}",
                             f"{t.forward} ({r.odeum.forward})", good])
    return table(["", "threads", "", "loss", "gradient", "evaluations (odeum's)", "within"], rows)


def compilation(m):
    rows = []
    for r in m.results:
        if r.threads == 1 and r.job.workload != "W5":
            for t in r.timings:
                if t.ms and t.family != "SciPy":
                    rows.append([f"{r.job.workload} {r.job.label}", t.name, f"{t.ready:.2f}",
                                 f"{t.compile:.2f}" if t.compile else ""])
    return table(["", "", "to the first step's end, s", "of it XLA, s"], rows)


def memory(found, lengths):
    rows = [[x.name, *(number(v) for v in x.mib), *("-" for _ in range(len(lengths) - len(x.mib))),
             f"{x.mib[-1] / x.mib[0]:.2f}" if len(x.mib) > 1 else "", number(x.mib[-1] - x.mib[0]) if len(x.mib) > 1 else "",
             x.problem] for x in found]
    return table(["", *(f"{length} MiB" for length in lengths), "last over first", "growth MiB", ""], rows)


def threads(m):
    rows = []
    for one in m.results:
        for two in m.results:
            if one.threads == 1 and two.threads == 2 and one.job.label == two.job.label and \
                    one.job.workload == two.job.workload:
                pairs = [(a, b) for a in one.timings for b in two.timings if a.name == b.name and a.ms and b.ms]
                rows += [[f"{one.job.workload} {one.job.label}", a.name, f"{a.median / b.median:.2f}"] for a, b in pairs
                         if a.family == "odeum"]
    return table(["", "", "one thread over two"], rows)


def processor_time(m):
    rows = []
    for r in m.results:
        if r.threads != 1 or not any(r.odeum_cpu()):
            continue
        mine, row = statistics.median(r.odeum_cpu()), []
        for family in ("torchdiffeq", "diffrax"):
            theirs = min((statistics.median(t.cpu_ms) for t in r.of(family) if t.cpu_ms), default=None)
            row += [number(theirs), f"{theirs / mine:.1f}"] if theirs else ["-", "-"]
        rows.append([f"{r.job.workload} {r.job.label}", number(mine), *row])
    return table(["", "odeum ms", "torchdiffeq's best ms", "over odeum", "diffrax's best ms", "over odeum"], rows)


def scaling(m):
    rows = [[name, extent, number(ms), f"{1e3 * ms / extent:.3g}"] for name, points in m.scaling.items()
            for extent, ms in points]
    return table(["", "extent", "ms", "us a unit"], rows)


NOTES = {
    "Processor time, one thread": "Medians of the time that the process had a processor, which other work on the machine "
    "disturbs less than the clock.",
    "Two threads": "odeum's medians.",
    "Cost over batch, evaluations, depth": "The flow of W2 (concat tanh), one thread; one extent grows, all else stays.",
    "Equal answers": "Relative differences of loss and gradient (Euclidean, all parameters) from odeum's at the same "
    "parameters. Fixed steps: rounding. Adaptive steps differ where norms or estimates do: other steps, other truncation. "
    "An adjoint's backward steps are each solver's own; torchdiffeq's error norm has the parameters' cotangents too.",
    "To the first step": "Seconds from the description to the end of the first step: recording, compiling, running, on one "
    "thread. torch.compile and XLA compile in it.",
    "W6": "Lorenz' equations forget: at T = 20 two solutions at these tolerances differ by more than the last digits. "
    "odeum's and SciPy's error estimate is Dormand and Prince's own, 1.5 times that of torchdiffeq and diffrax at the same "
    "step: 1.5^(1/5), or 8 %, more steps for the same tolerance. SciPy's batch is one flat state with one step size, as "
    "odeum's and torchdiffeq's.",
}


def write(m, seconds):
    """The page; sections of what was measured."""
    longest = max((len(x.mib) for x in m.lengths), default=0)
    sections = [("Targets", targets.rows(m)), *((f"W{n}", training(m, f"W{n}")) for n in (1, 2, 3, 4)),
                ("W5", networks(m)), ("W6", tiny(m)),
                ("W7: peak memory over the length of the span", memory(m.lengths, ["T = 1,", "T = 4,", "T = 16,"][:longest])),
                ("W4: peak memory", memory(m.images, [""])), ("Processor time, one thread", processor_time(m)),
                ("Two threads", threads(m)), ("Cost over batch, evaluations, depth", scaling(m)),
                ("Products alone", floors(m)), ("To the first step", compilation(m)), ("Equal answers", answers(m))]
    lines = head(m, seconds)
    for title, body in sections:
        if body:
            lines += [f"## {title}", ""] + ([NOTES[title], ""] if title in NOTES else []) + body
    return "\n".join(lines).rstrip() + "\n"
