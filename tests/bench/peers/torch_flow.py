# SPDX-License-Identifier: Apache-2.0
"""torchdiffeq's side: training steps of flows (W1 to W4, W7), and of plain networks (W5)."""
import numpy as np
import torch
import torchdiffeq
from serve import layers, load, serve, threads

F = torch.nn.functional
ACTIVATIONS = {"tanh": torch.tanh, "softplus": F.softplus}


def dense(p, x, t, use):
    if use == "concat":
        return F.linear(x, p["weight"]) + (p["bias"] + t * p["time"])
    return F.linear(x, p["weight"], p["bias"]) * torch.sigmoid(t * p["gate"] + p["gate_bias"]) + t * p["time"]


def convolution(p, x, t):
    channel = torch.ones_like(x[:, :1]) * t
    return F.conv2d(torch.cat([x, channel], 1), torch.cat([p["weight"], p["time"].unsqueeze(1)], 1), p["bias"], padding=1)


class Flow(torch.nn.Module):
    """d/dt (z, log-determinant, costs)."""

    def __init__(self, request, dtype=torch.float32):
        super().__init__()
        arrays = load(request["folder"])
        tensor = lambda a: torch.tensor(a, dtype=dtype)
        self.names, self.p, self.held = [], [], torch.nn.ParameterList()
        for layer in layers(arrays):
            self.names.append({key: name for key, (name, _) in layer.items()})
            self.p.append({key: torch.nn.Parameter(tensor(array)) for key, (_, array) in layer.items()})
            self.held.extend(self.p[-1].values())
        self.use, self.activation = request["time"], ACTIVATIONS[request["activation"]]
        self.exact, self.costs = request["trace"] == "exact", request.get("costs", {})
        self.x, self.probe = tensor(arrays["x"]), tensor(arrays["probe"])
        if request.get("channels_last"):
            self.x = self.x.contiguous(memory_format=torch.channels_last)
            self.probe = self.probe.contiguous(memory_format=torch.channels_last)
        self.basis = torch.eye(self.x.shape[1], dtype=dtype) if self.exact else None
        self.count = 0
        self.rates = torch.compile(self.traced) if request.get("compile") else self.eager

    def field(self, t, z):
        for i, p in enumerate(self.p):
            z = dense(p, z, t, self.use) if self.use != "channel" else convolution(p, z, t)
            if i + 1 < len(self.p):
                z = self.activation(z)
        return z

    def collect(self, f, pull):
        if self.exact:
            divergence = sum(pull(self.basis[i].expand_as(f))[:, i] for i in range(f.shape[1]))
            pulled = None
        else:
            pulled = pull(self.probe)
            divergence = (pulled * self.probe).flatten(1).sum(1)
        result = [f, divergence]
        if "kinetic" in self.costs:
            result.append(0.5 * f.square().flatten(1).mean(1))
        if "jacobian" in self.costs:
            result.append(pulled.square().flatten(1).mean(1))
        return tuple(result)

    def eager(self, t, z):
        with torch.enable_grad():
            z = z if z.requires_grad else z.requires_grad_(True)
            f = self.field(t, z)
            return self.collect(f, lambda g: torch.autograd.grad(f, z, g, create_graph=True)[0])

    def traced(self, t, z):
        f, pull = torch.func.vjp(lambda y: self.field(t, y), z)
        return self.collect(f, lambda g: pull(g)[0])

    def forward(self, t, state):
        self.count += 1
        return self.rates(t, state[0])


class Step:
    def __init__(self, request):
        torch.set_num_threads(threads())
        self.flow, self.request = Flow(request), request
        self.times = torch.tensor([0.0, request["span"]])
        step = {"step_size": request["step"]} if request["solver"] == "rk4" else {}
        self.options = dict(method=request["solver"], rtol=request.get("rtol", 1e-7),
                            atol=request.get("rtol", 1e-9), options=step)

    def run(self):
        flow = self.flow
        for p in flow.parameters():
            p.grad = None
        flow.count = 0
        rows = flow.x.shape[0]
        start = [flow.x.clone()] + [torch.zeros(rows) for _ in range(1 + len(flow.costs))]
        solve = torchdiffeq.odeint_adjoint if self.request["gradient"] == "adjoint" else torchdiffeq.odeint
        z, log_det, *costs = (part[-1] for part in solve(flow, tuple(start), self.times, **self.options))
        forward = flow.count
        z = z.flatten(1).double()
        log_normal = -0.5 * z.square().sum(1) - 0.5 * z.shape[1] * np.log(2 * np.pi)
        loss = -(log_normal + log_det.double()).mean()
        for weight, cost in zip(flow.costs.values(), costs):
            loss = loss + weight * cost.double().mean()
        loss.backward()
        return {"forward": forward, "backward": flow.count - forward, "loss": loss.item()}

    def result(self):
        return {names[key]: p[key].grad.numpy() for names, p in zip(self.flow.names, self.flow.p) for key in p}


class Network(torch.nn.Module):
    """W5: softplus layers, t beside the state in the first; cotangents of the end are given."""

    def __init__(self, request):
        super().__init__()
        torch.set_num_threads(threads())
        self.dtype = torch.float32
        arrays = load(request["folder"])
        self.p = torch.nn.ParameterDict({n: torch.tensor(arrays[n], dtype=self.dtype)
                                         for n in ("w1", "b1", "w2", "b2", "w3", "b3")})
        self.z, self.g = (torch.tensor(arrays[n], dtype=self.dtype) for n in ("z", "g"))
        self.request, self.count = request, 0
        self.field = torch.compile(self.network) if request.get("compile") else self.network

    def network(self, t, y):
        p = self.p
        y = torch.cat([y, t.expand(y.shape[0], 1)], 1)
        hidden = F.softplus(F.linear(F.softplus(F.linear(y, p["w1"], p["b1"])), p["w2"], p["b2"]))
        return F.linear(hidden, p["w3"], p["b3"])

    def forward(self, t, y):
        self.count += 1
        return self.field(t, y)

    def run(self):
        for p in self.parameters():
            p.grad = None
        self.count = 0
        kind, rtol = self.request["gradient"], self.request["rtol"]
        tolerances = {"method": "dopri5", "rtol": rtol, "atol": rtol}
        if kind == "gauss_legendre":
            return self.quadrature(tolerances)
        solve = torchdiffeq.odeint if kind == "backprop" else torchdiffeq.odeint_adjoint
        norm = {"adjoint_options": {"norm": "seminorm"}} if kind == "adjoint, seminorm" else {}
        end = solve(self, self.z.clone().requires_grad_(), torch.tensor([0.0, 1.0]), **tolerances, **norm)[-1]
        forward = self.count
        end.backward(self.g)
        return {"forward": forward, "backward": self.count - forward, "loss": (end * self.g).sum().item()}

    def quadrature(self, tolerances):
        """Norcliffe 2023, section 3: the adjoint without parameters is solved back, with dense output at Gauss points
        (C = 0.1 a forward evaluation), where the parameters' products are then taken."""
        with torch.no_grad():
            end = torchdiffeq.odeint(self, self.z, torch.tensor([0.0, 1.0]), **tolerances)[-1]
        forward = self.count
        points, weights = np.polynomial.legendre.leggauss(max(1, int(np.ceil(0.1 * forward))))
        nodes = torch.tensor(0.5 - 0.5 * points, dtype=self.dtype)  # descending, as time goes; weights are symmetric
        times = torch.cat([torch.ones(1), nodes, torch.zeros(1)])

        def rates(t, state):
            y, a = state
            with torch.enable_grad():
                y = y.detach().requires_grad_()
                f = self(t, y)
                return f.detach(), -torch.autograd.grad(f, y, a)[0]

        with torch.no_grad():
            ys, adjoints = torchdiffeq.odeint(rates, (end, self.g), times, **tolerances)
        for t, y, a, weight in zip(nodes, ys[1:], adjoints[1:], weights):
            (self(t, y) * a).sum().mul(0.5 * float(weight)).backward()
        return {"forward": forward, "backward": self.count - forward, "loss": (end * self.g).sum().item()}

    def result(self):
        return {name: p.grad.numpy() for name, p in self.p.items()}


if __name__ == "__main__":
    from torch_rates import Rates
    from torch_tiny import Tiny
    serve({"step": Step, "network": Network, "tiny": Tiny, "rates": Rates})
