# SPDX-License-Identifier: Apache-2.0
"""Interleaved repeats of one workload by everybody who can do it, with a check that all give the same answer."""
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field

from comparison.environments import SLOW_BLAS
from comparison.servers import Failed, NetworkServer, OdeumServer, PeerServer, difference

SETTLE = 0.2  # s of runs before the one that is counted ends


@dataclass
class Timing:
    """One competitor at one job and number of threads."""
    name: str
    family: str  # odeum | torchdiffeq | diffrax | SciPy
    ms: list = field(default_factory=list)
    cpu_ms: list = field(default_factory=list)  # of all its threads together
    opened: float = 0.0  # s: recording and compiling before the first run
    first: float = 0.0  # ms of the first run
    forward: int = 0
    backward: int = 0
    loss: float = 0.0
    compile: float = 0.0  # s, of it compilation where the peer tells
    difference: float = 0.0  # of the gradient from odeum's, or of W5 from the tight reference
    problem: str = ""  # why there is no time

    @property
    def median(self):
        return statistics.median(self.ms)

    @property
    def ready(self):
        """Seconds from nothing to the first step's end."""
        return self.opened + 1e-3 * self.first


@dataclass
class Result:
    job: object
    threads: int
    timings: list

    def of(self, family):
        return [t for t in self.timings if t.family == family and t.ms]

    def best(self, family):
        found = self.of(family)
        return min(found, key=lambda t: t.median) if found else None

    @property
    def odeum(self):
        return next(t for t in self.timings if t.name == "odeum")

    def odeum_cpu(self):
        """Empty where it was not measured (W5)."""
        return next((t.cpu_ms for t in self.timings if t.name == "odeum"), [])


def warm_up(timing, server, job, folder, results, reference):
    timing.opened = server.open(job, folder)["seconds"]
    answer = server.run()
    timing.first = answer["ms"]
    timing.compile = answer.get("compile", 0.0)
    server.result(results)
    timing.difference = difference(results, reference)
    server.stop()
    note(timing, answer)


def note(timing, answer):
    timing.forward, timing.backward, timing.loss = answer["forward"], answer["backward"], answer["loss"]


def turn(server):
    """The last of a row of runs, as in training: threads that were stopped need a while to find their cores."""
    server.go_on()
    begin = time.monotonic()
    answer = server.run()
    while time.monotonic() - begin < SETTLE:
        answer = server.run()
    server.stop()
    return answer


def repeat(pairs, options):
    """Round after round over all, until each has its repeats or used up its time."""
    for _ in range(options.repeats):
        for timing, server in pairs:
            if timing.problem or (timing.ms and sum(timing.ms) > 1e3 * options.budget):
                continue
            if timing.first > 1e3 * options.patience and not timing.name.endswith("compiled"):
                timing.ms.append(timing.first)  # so slow that the warming-up has to do
                continue
            try:
                answer = turn(server)
                timing.ms.append(answer["ms"])
                timing.cpu_ms.append(answer.get("cpu_ms", 0.0))
                note(timing, answer)
            except Failed as error:
                timing.problem = str(error)


def able(peer, job):
    """Why a peer is not asked; empty: it is."""
    if (peer.family == "SciPy") != (job.verb == "solve") and peer.family == "SciPy":
        return "no training"
    if peer.family == "diffrax" and job.request.get("gradient", "") in ("adjoint, seminorm", "gauss_legendre"):
        return "no such option here"
    if job.heavy and peer.gflops < SLOW_BLAS:
        return f"not run: its BLAS does {peer.gflops:.1f} GFLOP/s here, a step would take minutes"
    if peer.settings.get("compile") and not job.compiled:
        return "not asked for here, since it takes half a minute each time"
    return ""


def compare(job, threads, peers, options, work):
    """odeum's step with all its variants, and the peers', on the same numbers."""
    print(f"{job.workload} {job.label}, {threads} threads", file=sys.stderr, flush=True)
    problem, reference = work / "problem", work / "reference"
    for folder in (problem, reference, work / "other"):  # what other workloads left has other names
        shutil.rmtree(folder, ignore_errors=True)
    names = [("odeum", [])] + [(f"odeum, {name}", sets) for name, sets in job.variants.items()]
    pairs = []
    for name, sets in names:
        server = OdeumServer(options.bench, threads, sets)
        timing = Timing(name, "odeum")
        pairs.append((timing, server))
        timing.opened = server.open(job, problem)["seconds"]
        if name == "odeum":
            server.problem(problem)
        timing.first = server.run()["ms"]
        server.result(reference if name == "odeum" else work / "other")
        timing.difference = difference(reference if name == "odeum" else work / "other", reference)
        server.stop()
    return finish(job, threads, pairs, peers, problem, reference, options, work)


def compare_network(job, threads, peers, options, work, gradients):
    """W5: odeum's gradient methods and one of the peers'; differences are errors against a tight reference."""
    print(f"W5 {job.label}, {threads} threads", file=sys.stderr, flush=True)
    problem, reference = work / "network", work / "tight"
    pairs = []
    for name, method in gradients.items():
        pairs.append((Timing(f"odeum {name}", "odeum"), NetworkServer(options.bench, threads, problem, method)))
        warm_up(*pairs[-1], job, problem, work / "other", reference)
    return finish(job, threads, pairs, peers, problem, reference, options, work)


def finish(job, threads, pairs, peers, problem, reference, options, work):
    for peer in peers:
        timing = Timing(peer.name, peer.family)
        timing.problem = able(peer, job)
        if timing.problem:
            pairs.append((timing, None))
            continue
        server = PeerServer(peer, threads)
        pairs.append((timing, server))
        try:
            warm_up(timing, server, job, problem, work / "other", reference)
        except Failed as error:
            timing.problem = str(error)
            print(f"  {peer.name}: {error}", file=sys.stderr, flush=True)
    repeat(pairs, options)
    for _, server in pairs:
        if server:
            server.close()
    return Result(job, threads, [timing for timing, _ in pairs])
