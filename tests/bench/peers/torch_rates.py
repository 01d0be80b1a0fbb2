# SPDX-License-Identifier: Apache-2.0
"""Rates of PyTorch's own products and convolutions (MKL or OpenBLAS, oneDNN): candidates for the product-only floor."""
import time

import torch
from serve import threads


def rate(work, flop, seconds):
    """GFLOP/s, the best of three."""
    work()
    begin = time.perf_counter()
    work()
    calls = max(1, int(seconds / 3 / (time.perf_counter() - begin)))
    best = 0.0
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(calls):
            work()
        best = max(best, 1e-9 * calls * flop / (time.perf_counter() - begin))
    return best


def product(role, rows, out, into, seconds):
    x, g, w = torch.ones(rows, into), torch.ones(rows, out), torch.ones(out, into)
    work = {"forward": lambda: x @ w.T, "input_cotangent": lambda: g @ w, "weight_cotangent": lambda: g.T @ x}[role]
    return rate(work, 2.0 * rows * out * into, seconds)


def convolution(role, rows, out, into, side, seconds):
    """3 x 3, "same"; the better of the two layouts."""
    best, flop = 0.0, 18.0 * rows * out * into * side * side
    for layout in (torch.contiguous_format, torch.channels_last):
        x, g = (torch.ones(rows, c, side, side).contiguous(memory_format=layout) for c in (into, out))
        w = torch.ones(out, into, 3, 3).contiguous(memory_format=layout)
        back = lambda mask: torch.ops.aten.convolution_backward(g, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
                                                                mask)
        work = {"forward": lambda: torch.nn.functional.conv2d(x, w, padding=1),
                "input_cotangent": lambda: back([True, False, False]),
                "weight_cotangent": lambda: back([False, True, False])}[role]
        best = max(best, rate(work, flop, seconds / 2))
    return best


class Rates:
    """One product or convolution a session; run() gives its rate as "loss"."""

    def __init__(self, request):
        torch.set_num_threads(threads())
        self.request = request

    def run(self):
        r = self.request
        with torch.no_grad():
            if "side" in r:
                best = convolution(r["role"], r["rows"], r["out"], r["in"], r["side"], r["budget"])
            else:
                best = product(r["role"], r["rows"], r["out"], r["in"], r["budget"])
        return {"forward": 0, "backward": 0, "loss": best}
