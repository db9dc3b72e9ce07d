"""The other side of docs/performance.md: PyTorch and oneDNN on this machine.

    pip install torch torchvision
    python docs/compare/pytorch.py [gemm|float32|int8|training ...]

Least of several runs, one thread. Run it right before or after bristled's
benchmarks: a ratio is worth what the quiet of the machine is.
"""
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

THREADS = 1
SHAPES = [(512, 512, 512), (3136, 64, 576), (784, 128, 1152), (196, 256, 2304), (49, 512, 4608)]


def best(f, seconds=2.0):
    f()
    least, end = 1e9, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - start)
    return least


def gemm():
    for m, n, k in SHAPES:
        a, w = torch.randn(m, k), torch.randn(n, k)
        print(f"gemm {m}x{n}x{k}: float32 {2 * m * n * k / 1e9 / best(lambda: F.linear(a, w)):.1f} GFLOP/s", flush=True)


def float32():
    for name in ["resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1", "vit_b_16"]:
        net = getattr(torchvision.models, name)(weights=None).eval()
        x = torch.randn(1, 3, 224, 224)
        with torch.inference_mode():
            eager = best(lambda: net(x), 4)
            fast = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
            fast(x)
            fast(x)
            opt = best(lambda: fast(x), 4)
        print(f"{name}: float32 eager {eager * 1e3:.1f} ms, optimised {opt * 1e3:.1f} ms", flush=True)


def int8():
    from torch.ao.quantization import get_default_qconfig, quantize_fx
    for engine in ["onednn", "qnnpack"]:
        torch.backends.quantized.engine = engine
        for name in ["resnet18", "resnet50", "mobilenet_v2"]:
            net = getattr(torchvision.models, name)(weights=None).eval()
            x = torch.randn(1, 3, 224, 224)
            mapping = torch.ao.quantization.get_default_qconfig_mapping(engine)
            net = quantize_fx.prepare_fx(net, mapping, (x,))
            with torch.inference_mode():
                net(x)
                net = quantize_fx.convert_fx(net)
                print(f"{name}: int8 {engine} {best(lambda: net(x), 3) * 1e3:.1f} ms", flush=True)


def training():
    for name in ["resnet18", "resnet50"]:
        net = getattr(torchvision.models, name)(weights=None).eval()
        opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        x, y = torch.randn(8, 3, 224, 224), torch.randint(0, 1000, (8,))

        def step():
            opt.zero_grad()
            F.cross_entropy(net(x), y).backward()
            opt.step()

        print(f"{name}: training step, batch 8, {best(step, 10) * 1e3:.0f} ms", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    for what in sys.argv[1:] or ["gemm", "float32", "int8", "training"]:
        globals()[what]()
