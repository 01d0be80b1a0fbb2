# SPDX-License-Identifier: Apache-2.0
"""torchdiffeq's side of the ODE-net on MNIST: training steps of its odenet_mnist example with odeum's numbers."""
import torch
import torchdiffeq
from serve import load, serve, threads

F = torch.nn.functional
GROUPS = 32


class OdeNet:
    def __init__(self, request):
        torch.set_num_threads(threads())
        arrays = load(request["folder"])
        self.x = torch.tensor(arrays.pop("x"), dtype=torch.float32)
        self.label = torch.tensor(arrays.pop("label"), dtype=torch.int64)
        del arrays["probe"]
        self.p = {name: torch.nn.Parameter(torch.tensor(array, dtype=torch.float32)) for name, array in arrays.items()}
        self.field = Field(self)
        gradient = request["gradient"]
        self.solve = torchdiffeq.odeint if gradient == "backprop" else torchdiffeq.odeint_adjoint
        if "step" in request:
            self.options = {"method": "rk4", "options": {"step_size": request["step"]}}
        else:
            self.options = {"method": "dopri5", "rtol": request["rtol"], "atol": request["rtol"]}
        if gradient == "adjoint seminorm":
            self.options["adjoint_options"] = {"norm": "seminorm"}

    def norm(self, name, x):
        return F.group_norm(x, GROUPS, self.p[name + ".weight"].flatten(), self.p[name + ".bias"].flatten())

    def conv(self, name, x, **options):
        return F.conv2d(x, self.p[name + ".weight"], self.p[name + ".bias"].flatten(), **options)

    def run(self):
        for p in self.p.values():
            p.grad = None
        self.field.count = 0
        x = self.conv("stem1.conv", self.x)
        x = self.conv("stem2.conv", F.relu(self.norm("norm1.norm", x)), stride=2, padding=1)
        x = self.conv("stem3.conv", F.relu(self.norm("norm2.norm", x)), stride=2, padding=1)
        x = self.solve(self.field, x, torch.tensor([0.0, 1.0]), **self.options)[1]
        forward = self.field.count
        x = F.relu(self.norm("norm3.norm", x)).mean((2, 3))
        x = F.linear(x, self.p["head.weight"], self.p["head.bias"])
        loss = F.cross_entropy(x, self.label)
        loss.backward()
        return {"forward": forward, "backward": self.field.count - forward, "loss": loss.item()}

    def result(self):
        return {name: p.grad.numpy() for name, p in self.p.items()}


class Field(torch.nn.Module):
    """norm(conv(t, relu(norm(conv(t, relu(norm(z))))))), t as one more channel."""

    def __init__(self, net):
        super().__init__()
        self.own = torch.nn.ParameterList([p for name, p in net.p.items() if name.startswith("flow.field.")])
        self.norm, self.p, self.count = net.norm, net.p, 0

    def conv(self, name, t, x):
        p = {key: self.p[f"flow.field.{name}.{key}"] for key in ("weight", "time", "bias")}
        kernel = torch.cat([p["time"].reshape(p["weight"].shape[0], 1, 3, 3), p["weight"]], 1)
        return F.conv2d(torch.cat([torch.ones_like(x[:, :1]) * t, x], 1), kernel, p["bias"].flatten(), padding=1)

    def forward(self, t, x):
        self.count += 1
        x = self.conv("conv1", t, F.relu(self.norm("flow.field.norm1", x)))
        x = self.conv("conv2", t, F.relu(self.norm("flow.field.norm2", x)))
        return self.norm("flow.field.norm3", x)


if __name__ == "__main__":
    serve({"odenet": OdeNet})
