"""PyTorch on the CPU. eager: tensors in memory, `index_select` per batch, no DataLoader, fused optimizer where there
is one. loader: TensorDataset, DataLoader and `loss.item()` per step, as users write it. compile: eager with
`torch.compile(model)`. step: the whole training step compiled."""

import peer

a = peer.parse("torch", ["eager", "loader", "compile", "step"])
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(a.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(a.seed)
xt, yt, xv, yv, xs, ys = (torch.from_numpy(array) for array in peer.load(a, np))
layers, width = [], 784
for size in a.hidden:
    layers += [nn.Linear(width, size), nn.ReLU() if a.act == "relu" else nn.Tanh()]
    width = size
model = nn.Sequential(*layers, nn.Linear(width, 10))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
fused = a.mode == "eager" or None
if a.opt == "nadam":
    optimizer = torch.optim.NAdam(model.parameters(), lr=a.lr, weight_decay=a.l2)
elif a.opt == "adam":
    optimizer = torch.optim.Adam(model.parameters(), lr=a.lr, weight_decay=a.l2, fused=fused)
else:
    optimizer = torch.optim.SGD(model.parameters(), lr=a.lr, momentum=0.9, weight_decay=a.l2, fused=fused)
net = torch.compile(model) if a.mode == "compile" else model


def train_step(x, y):
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


if a.mode == "step":
    train_step = torch.compile(train_step)
if a.mode == "loader":
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(xt, yt), batch_size=a.batch, shuffle=True)


def accuracy(x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


clock = peer.Clock(a, torch.__version__)
for _ in range(a.epochs):
    start = time.perf_counter()
    if a.mode == "loader":
        loss = 0.0
        for x, y in loader:
            loss += train_step(x, y).item() * len(x)
    else:
        order, loss = torch.randperm(len(xt)), torch.zeros(())
        for rows in order.split(a.batch):
            loss += train_step(xt.index_select(0, rows), yt.index_select(0, rows)) * len(rows)
        loss = loss.item()
    middle = time.perf_counter()
    acc = accuracy(xv, yv)
    clock.epoch(middle - start, time.perf_counter() - middle, acc, loss / len(xt))
clock.done(accuracy(xs, ys))
