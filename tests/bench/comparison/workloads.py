# SPDX-License-Identifier: Apache-2.0
"""The workloads W1 to W6: what odeum is asked for, what the peers are asked for, and the products that both need."""
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Job:
    workload: str  # "W1"
    label: str
    file: str  # in workloads/
    request: dict  # to the peers
    verb: str = "step"  # of bench_compare
    gain: float = 1.0  # of the hidden weights; rows of an initial value problem
    sets: list = field(default_factory=list)
    rows: int = 0
    layers: list = field(default_factory=list)  # (out, in)
    side: int = 0  # of images; 0: dense layers
    probes: int = 0  # products with the Jacobian an evaluation
    variants: dict = field(default_factory=dict)  # further settings of odeum's own: name -> sets
    compiled: bool = True  # whether torch.compile is tried
    heavy: bool = False  # hopeless with a reference BLAS
    tolerance: float = 1e-4  # of relative differences of gradients

    @property
    def adjoint(self):
        return self.request.get("gradient", "").startswith("adjoint")

    def layer_flop(self, out, into):
        return 2.0 * self.rows * out * into * (9 * self.side ** 2 if self.side else 1)

    def product_counts(self, forward, backward):
        """How often each role of a layer's products is due: an evaluation with D Jacobian products needs 1 + D
        products a layer, its derivative twice as many; an adjoint's backward evaluation is both."""
        d = self.probes
        whole = backward if self.adjoint else forward
        again = backward if self.adjoint else 0
        return {"forward": (forward + again) + whole * d, "input_cotangent": (forward + again) * d + whole,
                "weight_cotangent": whole * (1 + d)}

    def flop(self, forward, backward):
        count = sum(self.product_counts(forward, backward).values())
        return count * sum(self.layer_flop(out, into) for out, into in self.layers)


DIFFERENT_STEPS = 1e-2  # gradients of adjoints at 1e-5 that took other steps


def small_flows():
    """W1: adaptive, exact and Hutchinson traces, adjoint and backprop; W2: four steps, penalties."""
    nets = [("concat tanh", "concat", "tanh"), ("concatsquash softplus", "concatsquash", "softplus")]
    jobs = []
    for name, use, activation in nets:
        net = [f"flow.field.time={use}", f"flow.field.activation={activation}"]
        same = {"kind": "step", "time": use, "activation": activation, "span": 1.0}
        layers = [(64, 2), (64, 64), (64, 64), (2, 64)]
        for trace in ("exact", "hutchinson"):
            for gradient in ("adjoint", "backprop"):
                jobs.append(Job(
                    "W1", f"{name}, {trace}, {gradient}", "w1.yaml",
                    {**same, "trace": trace, "gradient": gradient, "solver": "dopri5", "rtol": 1e-5}, gain=2.0,
                    sets=[*net, f"flow.divergence.estimator={trace}", f"flow.gradient={gradient}"], rows=512,
                    layers=layers, probes=2 if trace == "exact" else 1,
                    compiled=(use, gradient) == ("concat", "backprop"), tolerance=DIFFERENT_STEPS))
        jobs.append(Job("W2", f"{name}, penalties, backprop", "w2.yaml",
                        {**same, "trace": "hutchinson", "gradient": "backprop", "solver": "rk4", "step": 0.25,
                         "costs": {"kinetic": 0.01, "jacobian": 0.01}}, gain=2.0, sets=net, rows=512, layers=layers,
                        probes=1))
    return sorted(jobs, key=lambda job: job.workload)


def wide_flows(folder):
    """W3, 43 columns of normal numbers."""
    np.save(folder / "wide.npy", np.random.default_rng(43).standard_normal((1000, 43)).astype(np.float32))
    same = {"kind": "step", "time": "concatsquash", "activation": "softplus", "span": 1.0, "trace": "hutchinson"}
    data = [f"data.train={folder}/wide.npy"]
    net = {"rows": 1000, "layers": [(860, 43), (860, 860), (43, 860)], "probes": 1, "heavy": True}
    return [Job("W3", "adjoint, dopri5 1e-5", "w3.yaml",
                {**same, "gradient": "adjoint", "solver": "dopri5", "rtol": 1e-5}, sets=data, tolerance=DIFFERENT_STEPS,
                **net),
            Job("W3", "backprop, 8 steps of kutta38", "w3.yaml",
                {**same, "gradient": "backprop", "solver": "rk4", "step": 0.125},
                sets=[*data, "flow.solver={use: kutta38, steps: 8}", "flow.gradient=backprop"], **net)]


def image_flow(folder):
    """W4, images of normal numbers."""
    images = np.random.default_rng(28).standard_normal((64, 1, 28, 28)).astype(np.float32)
    np.save(folder / "images.npy", images)
    return [Job("W4", "backprop, 4 steps of kutta38", "w4.yaml",
                {"kind": "step", "time": "channel", "activation": "softplus", "span": 1.0, "trace": "hutchinson",
                 "gradient": "backprop", "solver": "rk4", "step": 0.25},
                sets=[f"data.train={folder}/images.npy"], rows=64, layers=[(64, 1), (64, 64), (64, 64), (1, 64)],
                side=28, probes=1, heavy=True, variants={"keep: stages": ["flow.gradient={use: backprop, keep: stages}"]})]


def network_jobs(compiled=True):
    """W5; odeum's gradients are those of bench_quadrature, which the driver adds."""
    net = {"rows": 200, "layers": [(2000, 6), (2000, 2000), (5, 2000)], "heavy": True, "compiled": compiled,
           "tolerance": 1e-3}
    return [Job("W5", gradient, "", {"kind": "network", "gradient": gradient, "rtol": 1e-5}, **net)
            for gradient in ("backprop", "adjoint", "adjoint, seminorm", "gauss_legendre")]


ODEUM_GRADIENTS = {"backprop": "{use: backprop}", "adjoint": "{use: adjoint}",
                   "gauss_legendre": "{use: gauss_legendre}",
                   "gauss_legendre, published nodes": "{use: gauss_legendre, nodes: published}"}


def write_network(folder):
    """Nested spheres, state of 5 with t beside it, width 2000, batch 200; weights uniform within 1/sqrt(inputs)."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(7)
    for layer, (out, into) in enumerate([(2000, 6), (2000, 2000), (5, 2000)], start=1):
        np.save(folder / f"w{layer}.npy", draw.uniform(-1, 1, (out, into)) * into ** -0.5)
        np.save(folder / f"b{layer}.npy", draw.uniform(-1, 1, out) * into ** -0.5)
    start = np.zeros((200, 5))
    start[:, :2] = draw.uniform(-1, 1, (200, 2))
    np.save(folder / "z.npy", start)
    np.save(folder / "g.npy", draw.uniform(-1, 1, (200, 5)) / 200)


def tiny_solves():
    """W6: float64, one thread, 1,000 points of dense output."""
    problems = [("Lorenz", "lorenz63", []),
                ("Lotka-Volterra", "lotka_volterra",
                 ["problem.field=lotka_volterra", "problem.initial=[1, 1]"])]
    return [Job("W6", f"{name}, T = 20, batch {rows}", "w6.yaml",
                {"kind": "tiny", "field": field, "span": 20.0, "rtol": 1e-7, "atol": 1e-9}, verb="solve", gain=rows,
                sets=sets, compiled=False, tolerance=1e9 if field == "lorenz63" else 1e-5)
            for name, field, sets in problems for rows in (1, 20)]
