"""PyTorch, eager, with its fused optimizer; mini-batches by index_select out of a tensor, no DataLoader."""

import time
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.race.workloads import Workload, data_of


def network_of(workload: Workload) -> nn.Sequential:
    """Linear layers, batch normalisation before relu, dropout after it."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(workload.widths, workload.widths[1:-1], strict=False):
        layers.append(nn.Linear(n_in, n_out, bias=not workload.batch_norm))
        if workload.batch_norm:
            layers.append(nn.BatchNorm1d(n_out))
        layers.append(nn.ReLU(inplace=True))
        if workload.keep_prob < 1:
            layers.append(nn.Dropout(1 - workload.keep_prob, inplace=False))
    return nn.Sequential(*layers, nn.Linear(workload.widths[-2], workload.widths[-1]))


def prepare(workload: Workload, *, threads: int, compiled: bool = False) -> Callable[[int], list[float]]:
    """A loop over mini-batches."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    X, Y = (torch.from_numpy(array) for array in data_of(workload))
    network = network_of(workload)
    binary = workload.widths[-1] == 1
    if binary:
        Y = Y.float()[:, None]
    loss_of = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
    decay = workload.l2 / workload.batch
    if workload.optimizer == "adam":
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True, weight_decay=decay)
    else:
        momentum = 0.9 if workload.optimizer == "momentum" else 0.0
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=momentum, fused=True)

    def loss(Xb: torch.Tensor, Yb: torch.Tensor) -> torch.Tensor:
        return loss_of(network(Xb), Yb)

    compute = torch.compile(loss) if compiled else loss

    def run(steps: int) -> list[float]:
        done, full = 0, workload.batch == workload.examples
        begin = time.perf_counter()
        while done < steps:
            order = torch.randperm(workload.examples)
            for first in range(0, workload.examples, workload.batch):
                rows = order[first : first + workload.batch]
                Xb, Yb = (X, Y) if full else (X.index_select(0, rows), Y.index_select(0, rows))
                optimizer.zero_grad(set_to_none=True)
                compute(Xb, Yb).backward()
                optimizer.step()
                done += 1
                if done == steps:
                    break
        return [(time.perf_counter() - begin) / steps]

    return run
