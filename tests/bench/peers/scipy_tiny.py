# SPDX-License-Identifier: Apache-2.0
"""SciPy's side of W6: tiny initial value problems, a batch as one flat state."""
import numpy as np
from scipy.integrate import solve_ivp
from serve import load, serve


def lorenz63(t, y):
    x, y, z = y
    return np.array((10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z))


def lotka_volterra(t, y):
    prey, predator = y
    return np.array((1.5 * prey - prey * predator, prey * predator - 3.0 * predator))


class Tiny:
    def __init__(self, request):
        start = load(request["folder"])["start"].T  # [features, rows]
        field = {"lorenz63": lorenz63, "lotka_volterra": lotka_volterra}[request["field"]]
        self.shape, self.start, self.request = start.shape, start.ravel(), request
        one = start.shape[1] == 1
        self.field = field if one else lambda t, y: field(t, y.reshape(self.shape)).ravel()
        self.times = np.linspace(0.0, request["span"], 1000)

    def run(self):
        r = self.request
        found = solve_ivp(self.field, (0.0, r["span"]), self.start, method=r["method"], t_eval=self.times,
                          rtol=r["rtol"], atol=r["atol"])
        self.end = found.y[:, -1].reshape(self.shape).T
        return {"forward": found.nfev, "backward": 0, "loss": 0.0}

    def result(self):
        return {"end": self.end}


if __name__ == "__main__":
    serve({"tiny": Tiny})
