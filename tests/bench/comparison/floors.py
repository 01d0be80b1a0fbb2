# SPDX-License-Identifier: Apache-2.0
"""The product-only floor: each workload's matrix products or convolutions at the best rate that anybody reaches here."""
import sys
from dataclasses import dataclass

from comparison.servers import Failed, PeerServer, Process


@dataclass
class Rate:
    gflops: float
    by: str


class Floors:
    """Rates by number of threads and product, measured once each; the peak gets better with every measurement."""

    def __init__(self, bench, peers, blas, seconds):
        self.bench, self.blas, self.seconds = bench, blas, seconds
        newest = [p for p in peers if p.family == "torchdiffeq" and not p.settings]
        self.torch = max(newest, key=lambda p: p.gflops, default=None)
        self.rates, self.peak = {}, {}

    def measure(self, jobs, threads):
        own = Process([self.bench / "bench_floors", threads, self.seconds, *([self.blas] if self.blas else [])],
                      threads if not self.blas else 1)
        torch = PeerServer(self.torch, threads) if self.torch and jobs else None
        self.peak[threads] = max(own.ask("peak")["peak"], self.peak.get(threads, 0.0))
        for job in jobs:
            for out, into in job.layers:
                for role in ("forward", "input_cotangent", "weight_cotangent"):
                    key = (threads, role, job.rows, out, into, job.side)
                    if key not in self.rates:
                        self.rates[key] = self.rate(own, torch, key)
        own.close()
        if torch:
            torch.close()

    def rate(self, own, torch, key):
        _, role, rows, out, into, side = key
        found = []
        try:
            answer = own.ask(f"{role} {rows} {out} {into} {side}")
            found += [Rate(answer["odeum"], "odeum")] + ([Rate(answer["blas"], "OpenBLAS")] if "blas" in answer else [])
        except Failed as error:
            print(f"floor of {key}: {error}", file=sys.stderr, flush=True)
        if torch:
            images = {"side": side} if side else {}
            try:
                torch.request("open", folder="", kind="rates", role=role, rows=rows, out=out, budget=self.seconds,
                              **{"in": into}, **images)
                found.append(Rate(torch.run()["loss"], "oneDNN (torch)" if side else "MKL (torch)"))
            except Failed as error:
                print(f"floor of {key} by torch: {error}", file=sys.stderr, flush=True)
        return max(found, key=lambda rate: rate.gflops)

    def ms(self, job, threads, forward, backward):
        """The floor of a step with so many evaluations; None where it was not measured."""
        if not job.layers:
            return None
        total = 0.0
        counts = job.product_counts(forward, backward)
        for out, into in job.layers:
            for role, count in counts.items():
                rate = self.rates.get((threads, role, job.rows, out, into, job.side))
                if rate is None:
                    return None
                total += count * job.layer_flop(out, into) / (1e6 * rate.gflops)
        return total
