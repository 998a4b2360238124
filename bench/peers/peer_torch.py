"""PyTorch CPU. eager: tensors preloaded, index_select per batch, no DataLoader. loader: TensorDataset + DataLoader,
loss.item() per step, as users write it. compile: eager with torch.compile(model). step: whole training step compiled."""
import peer
a = peer.parse("torch", ["eager", "loader", "compile", "step"])
import time
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(a.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(a.seed)
xt, yt, xv, yv, xs, ys = (torch.from_numpy(v) for v in peer.load(a, np))
layers, n = [], 784
for h in a.hidden:
    layers += [nn.Linear(n, h), nn.ReLU() if a.act == "relu" else nn.Tanh()]; n = h
model = nn.Sequential(*layers, nn.Linear(n, 10))
for l in model:
    if isinstance(l, nn.Linear): nn.init.xavier_uniform_(l.weight); nn.init.zeros_(l.bias)
if a.opt == "nadam": opt = torch.optim.NAdam(model.parameters(), lr=a.lr, weight_decay=a.l2)
elif a.opt == "adam": opt = torch.optim.Adam(model.parameters(), lr=a.lr, weight_decay=a.l2, fused=a.mode == "eager" or None)
else: opt = torch.optim.SGD(model.parameters(), lr=a.lr, momentum=0.9, weight_decay=a.l2, fused=a.mode == "eager" or None)
net = torch.compile(model) if a.mode == "compile" else model


def train_step(x, y):
    opt.zero_grad(set_to_none=True)
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
    return loss.detach()


if a.mode == "step": train_step = torch.compile(train_step)
if a.mode == "loader":
    from torch.utils.data import DataLoader, TensorDataset
    dl = DataLoader(TensorDataset(xt, yt), batch_size=a.batch, shuffle=True)


def accuracy(x, y):
    with torch.no_grad(): return (model(x).argmax(1) == y).float().mean().item()


clock = peer.Clock(a, torch.__version__)
for _ in range(a.epochs):
    s = time.perf_counter()
    if a.mode == "loader":
        loss = 0.0
        for x, y in dl: loss += train_step(x, y).item() * len(x)
    else:
        perm, loss = torch.randperm(len(xt)), torch.zeros(())
        for i in perm.split(a.batch):
            loss += train_step(xt.index_select(0, i), yt.index_select(0, i)) * len(i)
        loss = loss.item()
    m = time.perf_counter()
    acc = accuracy(xv, yv)
    clock.epoch(m - s, time.perf_counter() - m, acc, loss / len(xt))
clock.done(accuracy(xs, ys))
