# SPDX-License-Identifier: Apache-2.0
"""How odeum's cost grows with batch, evaluations and depth: the flow of W2 with one of them doubled again and again."""
import statistics
import sys
from dataclasses import replace

from comparison.servers import OdeumServer
from comparison.workloads import small_flows

SERIES = {
    "batch": [(n, [f"data.batch={n}"]) for n in (256, 512, 1024, 2048, 4096, 8192)],
    "evaluations": [(4 * n, [f"flow.solver={{use: kutta38, steps: {n}}}"]) for n in (2, 4, 8, 16, 32, 64)],
    "depth": [(n, [f"flow.field.hidden=[{', '.join(['64'] * n)}]"]) for n in (1, 2, 4, 8, 16)],
}


def scaling(options):
    """name -> [(extent, median ms on one thread)]."""
    (base,) = [job for job in small_flows() if job.workload == "W2" and "tanh" in job.label]
    found = {}
    for name, points in SERIES.items():
        print(f"cost over {name}", file=sys.stderr, flush=True)
        servers = []
        for extent, sets in points:
            server = OdeumServer(options.bench, 1)
            server.open(replace(base, gain=1.0, sets=[*base.sets, *sets]), "")
            server.run()
            servers.append((extent, server, []))
        for _ in range(options.repeats):
            for _, server, ms in servers:
                ms.append(server.run()["ms"])
        for _, server, _ in servers:
            server.close()
        found[name] = [(extent, statistics.median(ms)) for extent, _, ms in servers]
    return found
