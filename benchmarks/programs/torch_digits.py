"""The experiment of digits.yaml with PyTorch, without a DataLoader, which would take twice as long."""

import numpy as np
import torch
from torch import nn

train, dev = np.load("train.npz"), np.load("dev.npz")
mean, std = train["x"].mean(axis=0), train["x"].std(axis=0)
std[std == 0] = 1
X, X_dev = (torch.from_numpy(((split["x"] - mean) / std).astype(np.float32)) for split in (train, dev))
Y, Y_dev = (torch.from_numpy(split["y"]) for split in (train, dev))
network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
loss_of = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
for _ in range(20):
    for rows in torch.randperm(len(X)).split(64):
        optimizer.zero_grad()
        loss_of(network(X[rows]), Y[rows]).backward()
        optimizer.step()
with torch.inference_mode():
    Z = network(X_dev)
    print("loss", loss_of(Z, Y_dev).item())
confusion = np.zeros((10, 10), int)
np.add.at(confusion, (Y_dev.numpy(), Z.argmax(dim=1).numpy()), 1)
print("accuracy", confusion.trace() / confusion.sum())
print("precision", confusion.diagonal() / confusion.sum(axis=0))
print("recall", confusion.diagonal() / confusion.sum(axis=1))
print(confusion)
