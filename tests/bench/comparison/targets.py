# SPDX-License-Identifier: Apache-2.0
"""What was aimed at, beside what was measured: two threads, the peers at their better number of threads."""
from comparison.text import number, table

RATIOS = {"W1": (8.0, 1.5), "W2": (11.0, 1.5), "W3": (1.9, 1.3), "W4": (2.5, 1.5)}  # over torchdiffeq, diffrax
FLOORS = {"W2": 0.6, "W3": 0.7, "W4": 0.6}
W5_OVER_TORCHDIFFEQ = [  # odeum's gradient, the peers', the ratio
    ("adjoint", "adjoint", 2.5), ("gauss_legendre", "gauss_legendre", 1.4),
    ("gauss_legendre, published nodes", "gauss_legendre", 1.4), ("backprop", "backprop", 1.3)]
TWO_THREADS = 1.7


def verdict(value, wanted, at_most=False):
    met = value <= wanted if at_most else value >= wanted
    return "met" if met else "**missed**"


def line(what, wanted, value, at_most=False, unit=""):
    sign = "at most" if at_most else "at least"
    return [what, f"{sign} {wanted:g}{unit}", f"{number(value)}{unit}", verdict(value, wanted, at_most)]


def fastest(m, workload, label, family):
    """Over one and two threads."""
    found = [t for r in m.of(workload) if label in (None, r.job.label) for t in r.of(family)]
    return min(found, key=lambda t: t.median, default=None)


def flows(m):
    rows = []
    for workload, wanted in RATIOS.items():
        for r in m.of(workload, 2):
            for family, least in zip(("torchdiffeq", "diffrax"), wanted):
                theirs = fastest(m, workload, r.job.label, family)
                if theirs:
                    rows.append(line(f"{workload} {r.job.label}: over {family}'s best ({theirs.name})", least,
                                     theirs.median / r.odeum.median))
            floor = m.floors.ms(r.job, 2, r.odeum.forward, r.odeum.backward)
            if workload in FLOORS and floor:
                rows.append(line(f"{workload} {r.job.label}: share of the floor", 100 * FLOORS[workload],
                                 100 * floor / r.odeum.median, unit=" %"))
    return rows


def networks(m):
    found = {t.name: t for r in m.of("W5", 2) for t in r.timings if t.ms and t.family == "odeum"}
    rows = []
    for mine, gradient, least in W5_OVER_TORCHDIFFEQ:
        for family, wanted in (("torchdiffeq", least), ("diffrax", 1.2)):
            # diffrax has no quadrature: its fastest way to a gradient stands in.
            without = family == "diffrax" and gradient == "gauss_legendre"
            theirs = fastest(m, "W5", None if without else gradient, family)
            if theirs and f"odeum {mine}" in found:
                rows.append(line(f"W5 {mine}: over {family}'s best", wanted, theirs.median / found[f"odeum {mine}"].median))
    theirs = [t for family in ("torchdiffeq", "diffrax") if (t := fastest(m, "W5", None, family))]
    if theirs and found:
        best, mine = (min(x, key=lambda t: t.median) for x in (theirs, found.values()))
        rows.append(line(f"W5: {mine.name} over the peers' best ({best.name})", 1.3, best.median / mine.median))
    return rows


def tiny(m):
    rows = []
    for r in m.of("W6"):
        if "Lorenz" not in r.job.label or not r.job.label.endswith("batch 1"):
            continue
        own = 1e3 * r.odeum.median / r.odeum.forward
        rows.append(line("W6 Lorenz, batch 1: us an evaluation", 0.08, own, at_most=True))
        for family, least in (("torchdiffeq", 1000), ("SciPy RK45", 190)):
            theirs = min((t for t in r.timings if family in (t.family, t.name) and t.ms),
                         key=lambda t: t.median / t.forward, default=None)
            if theirs:
                rows.append(line(f"W6 Lorenz, batch 1: an evaluation over {theirs.name}'s", least,
                                 1e3 * theirs.median / theirs.forward / own))
    return rows


def memory(m):
    rows, images = [], {x.name: x.mib[0] for x in m.images if x.mib}
    torch = min((v for name, v in images.items() if name.startswith("torch")), default=None)
    for name, part in (("odeum", 1 / 3), ("odeum, keep: stages", 1 / 8)):
        if torch and name in images:
            rows.append(line(f"W4 peak memory of {name}, of PyTorch's", round(100 * part, 1), 100 * images[name] / torch,
                             at_most=True, unit=" %"))
    lengths = {x.name: x.mib for x in m.lengths if len(x.mib) > 1}
    for name in ("odeum adjoint", "odeum backprop, memory: 64"):
        if name in lengths:
            rows.append(line(f"W7 {name}: memory at the longest over the shortest", 1.1,
                             lengths[name][-1] / lengths[name][0], at_most=True))
    torch = min((v[-1] - v[0] for name, v in lengths.items() if name.startswith("torch") and "backprop" in name),
                default=None)
    mine = lengths.get("odeum backprop, keep: steps")
    if torch and mine:
        rows.append(line("W7 odeum backprop, keep: steps: growth, of PyTorch's", 5, 100 * (mine[-1] - mine[0]) / torch,
                         at_most=True, unit=" %"))
    return rows


def two_threads(m):
    rows = []
    for one in m.results:
        if one.threads != 1 or one.job.workload == "W6":
            continue
        for two in m.of(one.job.workload, 2):
            if two.job.label != one.job.label:
                continue
            for a in one.timings:
                for b in two.timings:
                    if a.name == b.name and a.family == "odeum" and "," not in a.name and a.ms and b.ms:
                        name = f"{one.job.workload} {one.job.label if a.name == 'odeum' else a.name}"
                        rows.append(line(f"{name}: two threads over one", TWO_THREADS, a.median / b.median))
    return rows


def rows(m):
    found = [*flows(m), *networks(m), *tiny(m), *memory(m), *two_threads(m)]
    return table(["", "wanted", "measured", ""], found)
