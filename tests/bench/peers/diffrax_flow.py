# SPDX-License-Identifier: Apache-2.0
"""diffrax's side: training steps of flows (W1 to W4, W7), of plain networks (W5), and tiny solves (W6)."""
import time

import jax

jax.config.update("jax_platforms", "cpu")

import diffrax
import jax.numpy as jnp
import numpy as np
from serve import layers, load, serve

ACTIVATIONS = {"tanh": jnp.tanh, "softplus": jax.nn.softplus}


class Kutta38(diffrax.AbstractERK):
    """The 3/8 rule, which torchdiffeq calls rk4."""
    tableau = diffrax.ButcherTableau(
        c=np.array([1 / 3, 2 / 3, 1.0]), b_sol=np.array([1 / 8, 3 / 8, 3 / 8, 1 / 8]),
        b_error=np.zeros(4),
        a_lower=(np.array([1 / 3]), np.array([-1 / 3, 1.0]), np.array([1.0, -1.0, 1.0])))
    interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        return 4


def largest_rms(state):
    """Each member's RMS, as torchdiffeq's mixed norm."""
    return jnp.max(jnp.stack([jnp.sqrt(jnp.mean(jnp.square(x))) for x in jax.tree.leaves(state)]))


def controller(rtol, atol):
    return diffrax.PIDController(rtol=rtol, atol=atol, norm=largest_rms, error_order=5)


def solve(rates, start, args, request, max_steps):
    fixed = request["solver"] == "rk4"
    solver = Kutta38() if fixed else diffrax.Dopri5()
    steps = diffrax.ConstantStepSize() if fixed else controller(request["rtol"], request["rtol"])
    if request["gradient"].startswith("adjoint"):
        adjoint = diffrax.BacksolveAdjoint(solver=solver, stepsize_controller=steps)
    else:
        adjoint = diffrax.RecursiveCheckpointAdjoint(checkpoints=request.get("checkpoints", max_steps))
    return diffrax.diffeqsolve(diffrax.ODETerm(rates), solver, 0.0, request["span"],
                               request["step"] if fixed else None, start, args, adjoint=adjoint,
                               stepsize_controller=steps, max_steps=max_steps)


def same(x, w):
    """A 3 x 3 convolution of x [rows, height, width, in] by w [out, in, 3, 3] as nine products of matrices: XLA's own
    convolution with its derivatives on a CPU took twenty times as long (two images, 2 threads)."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(padded[:, i:i + height, j:j + width] @ w[:, :, i, j].T for i in range(3) for j in range(3))


class Compiled:
    """A function of the parameters alone, compiled; run() -> loss, statistics and gradient."""

    def compile(self, function, parameters):
        begin = time.perf_counter()
        self.program = jax.jit(function).lower(parameters).compile()
        self.compile_seconds = time.perf_counter() - begin
        self.parameters = parameters

    def run(self):
        (loss, steps), self.gradient = jax.block_until_ready(self.program(self.parameters))
        evaluations = 4 * int(steps) if self.request["solver"] == "rk4" else 6 * int(steps) + 2
        return {"forward": evaluations, "backward": 0, "loss": float(loss), "compile": self.compile_seconds}


class Step(Compiled):
    def __init__(self, request):
        self.request = request
        arrays = load(request["folder"])
        single = lambda a: jnp.asarray(a, jnp.float32)
        found = layers(arrays)
        self.names = [{key: name for key, (name, _) in layer.items()} for layer in found]
        self.x, self.probe = single(arrays["x"]), single(arrays["probe"])
        if request["time"] == "channel":  # channels last
            self.x, self.probe = (jnp.transpose(a, (0, 2, 3, 1)) for a in (self.x, self.probe))
        parameters = [{key: single(array) for key, (_, array) in layer.items()} for layer in found]
        self.compile(jax.value_and_grad(self.loss, has_aux=True), parameters)

    def field(self, t, z, parameters):
        for i, p in enumerate(parameters):
            if self.request["time"] == "concat":
                z = z @ p["weight"].T + (p["bias"] + t * p["time"])
            elif self.request["time"] == "concatsquash":
                z = (z @ p["weight"].T + p["bias"]) * jax.nn.sigmoid(t * p["gate"] + p["gate_bias"]) + t * p["time"]
            else:
                shift = t * same(jnp.ones((1,) + z.shape[1:3] + (1,), z.dtype), p["time"][:, None])
                z = same(z, p["weight"]) + (shift + p["bias"])
            if i + 1 < len(parameters):
                z = ACTIVATIONS[self.request["activation"]](z)
        return z

    def rates(self, t, state, parameters):
        z, costs = state[0], self.request.get("costs", {})
        t = t.astype(z.dtype)
        field = lambda y: self.field(t, y, parameters)
        if self.request["trace"] == "exact":
            f, push = jax.linearize(field, z)  # a loop: vmap over the tangents took 2.5 times as long
            unit = jnp.eye(z.shape[1], dtype=z.dtype)
            result = [f, sum(push(jnp.broadcast_to(unit[i], z.shape))[:, i] for i in range(z.shape[1]))]
        else:
            f, pull = jax.vjp(field, z)
            (pulled,) = pull(self.probe)
            result = [f, jnp.sum((pulled * self.probe).reshape(z.shape[0], -1), 1)]
        flat = lambda y: y.reshape(z.shape[0], -1)
        if "kinetic" in costs:
            result.append(0.5 * jnp.mean(jnp.square(flat(f)), 1))
        if "jacobian" in costs:
            result.append(jnp.mean(jnp.square(flat(pulled)), 1))
        return tuple(result)

    def loss(self, parameters):
        request, costs = self.request, self.request.get("costs", {})
        start = (self.x,) + tuple(jnp.zeros(self.x.shape[0], self.x.dtype) for _ in range(1 + len(costs)))
        steps = round(request["span"] / request["step"]) if request["solver"] == "rk4" else 64
        solution = solve(self.rates, start, parameters, request, steps)
        z, log_det, *integrals = (y[0] for y in solution.ys)
        z = z.reshape(z.shape[0], -1)
        log_normal = -0.5 * jnp.sum(jnp.square(z), 1) - 0.5 * z.shape[1] * np.log(2 * np.pi)
        loss = -jnp.mean(log_normal + log_det)
        for weight, integral in zip(costs.values(), integrals):
            loss = loss + weight * jnp.mean(integral)
        return loss, solution.stats["num_steps"]

    def result(self):
        return {names[key]: p[key] for names, p in zip(self.names, self.gradient) for key in p}


class Network(Compiled):
    def __init__(self, request):
        self.request = {**request, "solver": "dopri5", "span": 1.0}
        arrays = {name: jnp.asarray(array, jnp.float32) for name, array in load(request["folder"]).items()}
        self.z, self.g = arrays["z"], arrays["g"]
        parameters = {n: arrays[n] for n in ("w1", "b1", "w2", "b2", "w3", "b3")}
        self.compile(jax.value_and_grad(self.loss, has_aux=True), parameters)

    def rates(self, t, y, p):
        y = jnp.concatenate([y, jnp.broadcast_to(t.astype(y.dtype), (y.shape[0], 1))], 1)
        hidden = jax.nn.softplus(jax.nn.softplus(y @ p["w1"].T + p["b1"]) @ p["w2"].T + p["b2"])
        return hidden @ p["w3"].T + p["b3"]

    def loss(self, parameters):
        solution = solve(self.rates, self.z, parameters, self.request, 64)
        return jnp.sum(solution.ys[0] * self.g), solution.stats["num_steps"]

    def result(self):
        return self.gradient


class Tiny(Compiled):
    def __init__(self, request):
        jax.config.update("jax_enable_x64", True)
        self.request = {**request, "solver": "dopri5"}
        start = jnp.asarray(load(request["folder"])["start"])
        self.compile(self.solution, start)

    def rates(self, t, y, args):
        if self.request["field"] == "lorenz63":
            a, b, c = y[..., 0], y[..., 1], y[..., 2]
            return jnp.stack([10.0 * (b - a), a * (28.0 - c) - b, a * b - 8.0 / 3.0 * c], -1)
        prey, predator = y[..., 0], y[..., 1]
        return jnp.stack([1.5 * prey - prey * predator, prey * predator - 3.0 * predator], -1)

    def solution(self, start):
        r = self.request
        times = jnp.linspace(0.0, r["span"], 1000)
        found = diffrax.diffeqsolve(diffrax.ODETerm(self.rates), diffrax.Dopri5(), 0.0, r["span"], None, start,
                                    saveat=diffrax.SaveAt(ts=times), max_steps=100000,
                                    stepsize_controller=controller(r["rtol"], r["atol"]))
        return (jnp.zeros(()), found.stats["num_steps"]), found.ys

    def result(self):
        return {"end": self.gradient[-1]}


if __name__ == "__main__":
    serve({"step": Step, "network": Network, "tiny": Tiny})
