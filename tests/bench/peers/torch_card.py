# SPDX-License-Identifier: Apache-2.0
"""torchdiffeq's side of tests/bench/gpu: prints the milliseconds of a training step on the card (or the processor).

    torch_card.py '{"net": "dense" | "conv", ...}' STEPS TF32

Weights are torch's own first ones and data are drawn anew each step: times are compared here, not answers, for which
tests/bench/compare is. The request: shape of a sample, hidden, squash (gates by t, else t beside the state), activation,
solver, step, penalties, adjoint, batch, and scales where the flow has several.
"""
import json
import sys
import time

import torch
from torchdiffeq import odeint, odeint_adjoint

F = torch.nn.functional
ACTIVATIONS = {"tanh": torch.tanh, "softplus": F.softplus}


class Dense(torch.nn.Module):
    def __init__(self, request):
        super().__init__()
        sizes = [request["shape"][0], *request["hidden"], request["shape"][0]]
        self.squash, self.activation = request["squash"], ACTIVATIONS[request["activation"]]
        more = 0 if self.squash else 1
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a + more, b) for a, b in zip(sizes, sizes[1:]))
        self.gates = torch.nn.ModuleList(torch.nn.Linear(1, b) for b in sizes[1:])
        self.shifts = torch.nn.ModuleList(torch.nn.Linear(1, b, bias=False) for b in sizes[1:])

    def forward(self, t, z):
        for i, layer in enumerate(self.layers):
            if self.squash:
                z = layer(z) * torch.sigmoid(self.gates[i](t.view(1, 1))) + self.shifts[i](t.view(1, 1))
            else:
                z = layer(torch.cat([z, t.expand(z.shape[0], 1)], 1))
            if i + 1 < len(self.layers):
                z = self.activation(z)
        return z


class Convolutions(torch.nn.Module):
    """3 x 3, with a channel for t."""

    def __init__(self, request, channels):
        super().__init__()
        sizes = [channels, *request["hidden"], channels]
        self.activation = ACTIVATIONS[request["activation"]]
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(a + 1, b, 3, padding=1) for a, b in zip(sizes, sizes[1:]))

    def forward(self, t, z):
        for i, layer in enumerate(self.layers):
            z = layer(torch.cat([z, t.expand_as(z[:, :1])], 1))
            if i + 1 < len(self.layers):
                z = self.activation(z)
        return z


class Solve(torch.nn.Module):
    """z, its log-determinant by Hutchinson's estimate, and penalties, over [0, 1]."""

    def __init__(self, request, net):
        super().__init__()
        self.net, self.penalties = net, request["penalties"]
        self.integrate = odeint_adjoint if request["adjoint"] else odeint
        step = {"options": {"step_size": request["step"]}} if request["solver"] == "rk4" else {}
        self.settings = {"method": request["solver"], "rtol": 1e-5, "atol": 1e-5, **step}

    def forward(self, t, state):
        z = state[0]
        with torch.enable_grad():
            z = z.requires_grad_(True)
            f = self.net(t, z)
            pull = torch.autograd.grad(f, z, self.probe, create_graph=True)[0]
        rates = (f, (pull * self.probe).flatten(1).sum(1))
        return rates + ((0.5 * f.square().flatten(1).mean(1), pull.square().flatten(1).mean(1)) if self.penalties else ())

    def solve(self, z):
        self.probe = torch.randn_like(z)
        start = (z,) + tuple(z.new_zeros(z.shape[0]) for _ in range(3 if self.penalties else 1))
        end = [part[-1] for part in self.integrate(self, start, z.new_tensor([0.0, 1.0]), **self.settings)]
        return end[0], end[1] - 0.01 * sum(end[2:])


class Flow(torch.nn.Module):
    """One solve; with scales, two solves, a squeeze, two solves and half of the channels leaving, again and again."""

    def __init__(self, request):
        super().__init__()
        self.scales, self.solves = request.get("scales", 0), torch.nn.ModuleList()
        channels = request["shape"][0]
        for at in range(max(1, self.scales)):
            for width in [channels, 4 * channels] if at + 1 < self.scales else [channels]:
                for _ in range(2 if self.scales else 1):
                    net = Dense(request) if request["net"] == "dense" else Convolutions(request, width)
                    self.solves.append(Solve(request, net))
            channels *= 2

    def forward(self, z):
        solves, log_det, left = iter(self.solves), 0.0, []

        def through(z, count):
            nonlocal log_det
            for _ in range(count):
                z, more = next(solves).solve(z)
                log_det = log_det + more
            return z

        for _ in range(self.scales - 1):
            z = through(F.pixel_unshuffle(through(z, 2), 2), 2)
            leaving, z = z.chunk(2, 1)
            left.append(leaving)
        z = through(z, 2 if self.scales else 1)
        squares = sum(part.square().flatten(1).sum(1) for part in [*left, z])
        return (0.5 * squares - log_det).mean()


def milliseconds(request, steps):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    flow = Flow(request).to(device)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = flow(torch.randn(request["batch"], *request["shape"], device=device))
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(min(3, steps)):
        step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return 1e3 * (time.perf_counter() - begin) / steps


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = sys.argv[3] == "1"
    print(milliseconds(json.loads(sys.argv[1]), int(sys.argv[2])))
