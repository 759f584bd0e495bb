"""The vision transformer of packages/model in PyTorch, written apart from the trainer's own graph,
to check its gradients and to measure its speed. It talks in lines of JSON:

  {"do": "gradients", spec, order, batch, tensors, patches, targets}
      -> {"loss": ..., "gradients": {name: [...]}}            in float64
  {"do": "prepare", spec, shapes, batch, threads}   -> {"version": ..., "blas": ...}
  {"do": "steps", "count": N}  -> {"seconds": ..., "cpuSeconds": ...}   N training steps in float32
"""
import json
import random
import sys
import time

import torch
import torch.nn.functional as F

POSITION_WIDTH = 32


def layer_names(p, layer):
    prefix = f"{layer}."
    return {name[len(prefix):]: value for name, value in p.items() if name.startswith(prefix)}


def linear(x, p, name):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def norm(x, p, name, eps):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"], eps)


def attention(x, p, heads):
    b, t, c = x.shape
    q, k, v = (
        linear(x, p, f"attention.attention.{name}").reshape(b, t, heads, c // heads).transpose(1, 2)
        for name in ("query", "key", "value")
    )
    weights = torch.softmax(q @ k.transpose(-1, -2) * (c // heads) ** -0.5, -1)  # (B, H, T, T)
    return linear((weights @ v).transpose(1, 2).reshape(b, t, c), p, "attention.output.dense")


def training_loss(spec, p, patches, targets, order):
    """patches (B*P, pixels), targets (B, classes) -> mean cross-entropy, with that of the guesses."""
    b, eps = targets.shape[0], spec["layerNormEps"]
    c = spec["width"]
    kernel = p["stem.embeddings.patch_embeddings.projection.weight"].reshape(c, -1)
    x = F.linear(patches, kernel, p["stem.embeddings.patch_embeddings.projection.bias"])
    x = torch.cat([p["stem.embeddings.cls_token"].expand(b, -1, -1), x.reshape(b, -1, c)], 1)
    x = x + p["stem.embeddings.position_embeddings"]  # (B, T, C)
    hops = 0.0
    for hop, layer in enumerate(order):
        own = layer_names(p, layer)
        if spec["variant"] == "position":
            row = p["stem.embedding.weight"][hop].expand(b, x.shape[1], POSITION_WIDTH)
            joined = norm(torch.cat([x, row], -1), own, "projection.net.0", 1e-5)
            x = x + F.gelu(linear(joined, own, "projection.net.1"))
        x = x + attention(norm(x, own, "layernorm_before", eps), own, spec["heads"])
        hidden = F.gelu(linear(norm(x, own, "layernorm_after", eps), own, "intermediate.dense"))
        x = x + linear(hidden, own, "output.dense")
        if spec["variant"] == "predict":
            guess = linear(norm(x.mean(1), own, "position_mlp.net.0", 1e-5), own, "position_mlp.net.1")
            hops = hops + F.cross_entropy(guess, torch.full((b,), hop)) / len(order)
    logits = linear(norm(x[:, 0], p, "head.layernorm", eps), p, "head.classifier")
    return -(F.log_softmax(logits, -1) * targets).sum(-1).mean() + hops


def tensor(value, dtype):
    return torch.tensor(value["data"], dtype=dtype).reshape(value["shape"])


def gradients(request):
    double = torch.float64
    p = {name: tensor(value, double).requires_grad_(True) for name, value in request["tensors"].items()}
    patches, targets = tensor(request["patches"], double), tensor(request["targets"], double)
    loss = training_loss(request["spec"], p, patches, targets, request["order"])
    loss.backward()
    found = {name: t.grad.flatten().tolist() for name, t in p.items() if t.grad is not None}
    return {"loss": loss.item(), "gradients": found}


class Training:
    """Training steps on one batch of random images."""

    def __init__(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(1)
        self.spec, batch = request["spec"], request["batch"]
        self.p = {
            name: (torch.randn(shape) * 0.02).requires_grad_(True)
            for name, shape in request["shapes"].items()
        }
        for name, value in self.p.items():
            if name.endswith("weight") and value.dim() == 1:
                value.data.fill_(1.0)
        pixels = self.spec["channels"] * self.spec["patchSize"] ** 2
        count = (self.spec["imageSize"] // self.spec["patchSize"]) ** 2
        self.patches = torch.randn(batch * count, pixels)
        labels = torch.randint(self.spec["classes"], (batch,))
        self.targets = F.one_hot(labels, self.spec["classes"]).float()
        self.optimizer = torch.optim.AdamW(self.p.values(), lr=1e-3, betas=(0.9, 0.98))

    def step(self):
        order = list(range(self.spec["layers"]))
        random.shuffle(order)
        self.optimizer.zero_grad(set_to_none=True)
        training_loss(self.spec, self.p, self.patches, self.targets, order).backward()
        torch.nn.utils.clip_grad_norm_(self.p.values(), 1.0)
        self.optimizer.step()


def blas():
    """Who multiplies matrices: the plain BLAS of a bare installation is ten times slower."""
    if torch.backends.mkl.is_available():
        return "mkl"
    torch.randn(64, 64) @ torch.randn(64, 64)
    with open("/proc/self/maps") as maps:
        loaded = maps.read()
    return next((name for name in ("openblas", "blis", "atlas", "mkl") if name in loaded), "reference")


def main():
    training = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "gradients":
            answer = gradients(request)
        elif request["do"] == "prepare":
            training = Training(request)
            answer = {"version": torch.__version__, "blas": blas()}
        else:
            start, cpu = time.perf_counter(), time.process_time()
            for _ in range(request["count"]):
                training.step()
            answer = {
                "seconds": time.perf_counter() - start,
                "cpuSeconds": time.process_time() - cpu,
            }
        print(json.dumps(answer), flush=True)


main()
