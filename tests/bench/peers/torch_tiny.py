# SPDX-License-Identifier: Apache-2.0
"""torchdiffeq's side of W6: tiny initial value problems in float64."""
import torch
import torchdiffeq
from serve import load, threads


def lorenz63(t, y):
    x, y, z = y.unbind(-1)
    return torch.stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z], -1)


def lotka_volterra(t, y):
    prey, predator = y.unbind(-1)
    return torch.stack([1.5 * prey - prey * predator, prey * predator - 3.0 * predator], -1)


FIELDS = {"lorenz63": lorenz63, "lotka_volterra": lotka_volterra}


class Tiny:
    def __init__(self, request):
        torch.set_num_threads(threads())
        self.field, self.count = FIELDS[request["field"]], 0
        if request.get("compile"):
            self.field = torch.compile(self.field)
        self.start = torch.tensor(load(request["folder"])["start"])
        self.times = torch.linspace(0.0, request["span"], 1000, dtype=torch.float64)
        self.tolerances = {"rtol": request["rtol"], "atol": request["atol"]}

    def rates(self, t, y):
        self.count += 1
        return self.field(t, y)

    def run(self):
        self.count = 0
        with torch.no_grad():
            self.end = torchdiffeq.odeint(self.rates, self.start, self.times, method="dopri5", **self.tolerances)[-1]
        return {"forward": self.count, "backward": 0, "loss": 0.0}

    def result(self):
        return {"end": self.end.numpy()}
