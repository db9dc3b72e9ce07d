"""Makes the fixtures in learner/nn/testdata: small networks, exported and
differentiated by PyTorch.

    pip install torch onnx numpy
    python docs/compare/fixtures.py learner/nn/testdata

For a network NAME: NAME.onnx and NAME.npz with input, output, labels, loss
(mean cross-entropy), input_grad and the gradient of every initializer,
grad/INITIALIZER. Seeds are fixed; another version of PyTorch may round
otherwise.
"""
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn as nn
import torch.nn.functional as F


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.a = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
                               nn.Conv2d(12, 12, 3, 1, 1, bias=False), nn.BatchNorm2d(12))
        self.b = nn.Sequential(nn.Conv2d(8, 12, 1, 2, bias=False), nn.BatchNorm2d(12))
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        x = self.stem(x)
        x = F.relu(self.a(x) + self.b(x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inverted(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.Hardswish(), nn.Conv2d(8, 8, 3, 2, 1, groups=8), nn.ReLU6())
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.conv(x)
        s = torch.sigmoid(self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.fc((x * s).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 12)
        self.norm, self.qkv, self.proj = nn.LayerNorm(12), nn.Linear(12, 36), nn.Linear(12, 12)
        self.mlp = nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        x = self.embed(x)
        q, k, v = self.qkv(self.norm(x)).reshape(-1, 7, 3, 2, 6).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ k.transpose(-1, -2) / 6 ** .5).softmax(-1)
        x = x + self.proj((a @ v).transpose(1, 2).reshape(-1, 7, 12))
        x = x + self.mlp(x)
        return self.fc(x[:, 0])


class Series(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(3, 6, 5, padding=2), nn.BatchNorm1d(6), nn.LeakyReLU(.1), nn.MaxPool1d(2),
                                 nn.Conv1d(6, 8, 3), nn.Tanh(), nn.AvgPool1d(3, 2), nn.Flatten(), nn.Linear(8 * 9, 5))

    def forward(self, x):
        return self.net(x)


def main(out):
    for name, net, shape in [("residual", Residual(), (3, 17, 20)), ("inverted", Inverted(), (3, 9, 11)),
                             ("attention", Attention(), (7, 6)), ("series", Series(), (3, 44))]:
        torch.manual_seed(7)
        for m in net.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
                m.running_mean.uniform_(-.3, .3)
                m.running_var.uniform_(.5, 1.5)
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
                nn.init.uniform_(m.weight, .5, 1.5)
                nn.init.uniform_(m.bias, -.3, .3)
        net.eval()
        x, labels = torch.randn(2, *shape, requires_grad=True), torch.tensor([1, 3])
        path = f"{out}/{name}.onnx"
        torch.onnx.export(net, x, path, opset_version=14, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE,
                          do_constant_folding=False, input_names=["input"], output_names=["output"])
        y = net(x)
        loss = F.cross_entropy(y, labels)
        loss.backward()
        arrays = {"input": x.detach(), "output": y.detach(), "labels": labels, "loss": loss.detach(), "input_grad": x.grad}
        params = dict(net.named_parameters())
        for t in onnx.load(path).graph.initializer:
            if t.name in params:
                arrays["grad/" + t.name] = params[t.name].grad
        np.savez(f"{out}/{name}.npz", **{k: v.numpy() for k, v in arrays.items()})
        print(name, sum(k.startswith("grad/") for k in arrays), "gradients of", len(params))


if __name__ == "__main__":
    main(sys.argv[1])
