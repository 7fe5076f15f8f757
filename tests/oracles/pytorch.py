"""The same cases as PyTorch trains them: autograd, torch.optim and torch.optim.lr_scheduler, in float64.

Each place where PyTorch's convention is another one says so and converts.
"""

import itertools
import math
import warnings

import numpy as np
import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler

from .cases import (
    EPSILON,
    HIDDEN,
    KEPT_STEPS,
    MOMENTUM,
    PENALTIES,
    PLATEAU_VALUES,
    STEPS,
    Result,
    batches,
    dev_inputs,
    flat,
    shapes,
    start_values,
)

torch.set_default_dtype(torch.float64)  # NAdam keeps the product of its μₜ in the default dtype, whatever that of θ
torch.set_num_threads(1)

# --- learning rates ----------------------------------------------------------------------------------


def rates(decay, learning_rate, total):
    """α of each of `total` steps, read off a scheduler on an optimiser that trains nothing."""
    name, settings = decay[0], dict(decay[1])
    warmup = settings.pop("warmup", 0)
    if name == "cosine" and settings.get("cycles", 1) > 1 and total % settings["cycles"]:
        return _uneven_cycles(learning_rate, total, **settings)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=learning_rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls step(0), which is deprecated
        scheduler = _scheduler(optimizer, name, settings, learning_rate, total - warmup)
        if warmup:
            # Ours starts at 1/(warmup + 1) of the first rate, so that the line arrives there after `warmup` steps.
            line = lr_scheduler.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
            scheduler = lr_scheduler.SequentialLR(optimizer, [line, scheduler], milestones=[warmup])
        result = []
        for t in range(total):
            result.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step(*([PLATEAU_VALUES[t]] if name == "plateau" else []))
    return result


def _scheduler(optimizer, name, settings, learning_rate, total):
    if name == "constant":
        return lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if name == "inverse_time":  # torch has none: written out
        rate = settings.get("rate", 0.1)
        return lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + rate * t))
    if name == "exponential":
        return lr_scheduler.ExponentialLR(optimizer, gamma=settings.get("base", 0.95))
    if name == "sqrt":  # torch has none: written out
        k = settings.get("k", 1.0)
        return lr_scheduler.LambdaLR(optimizer, lambda t: k / math.sqrt(t + 1))
    if name == "staircase":
        return lr_scheduler.StepLR(optimizer, step_size=settings.get("every", 10), gamma=settings.get("factor", 0.5))
    if name == "manual":  # MultiStepLR has one factor for all points: written out
        points = settings["points"]
        return lr_scheduler.LambdaLR(
            optimizer,
            lambda t: next((rate for first, rate in points[::-1] if t >= first), learning_rate) / learning_rate,
        )
    if name == "cosine":
        min_rate, cycles = settings.get("min_rate", 0.0), settings.get("cycles", 1)
        if cycles > 1:
            return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=total // cycles, eta_min=min_rate)
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, eta_min=min_rate)
    if name == "one_cycle":
        return _one_cycle(optimizer, learning_rate, total, **settings)
    assert name == "plateau"
    return lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=settings["factor"],
        patience=settings["patience"] - 1,  # torch lowers after more than so many bad epochs, ours after so many
        threshold=settings.get("min_delta", 0.0),
        threshold_mode="abs",
        cooldown=settings.get("cooldown", 0),
        min_lr=settings.get("min_rate", 0.0),
        eps=0.0,
    )


def _one_cycle(optimizer, learning_rate, total, *, rise=0.3, start_factor=0.04, end_factor=1e-4, shape="cosine"):
    # torch's peak is at t = pct_start·total_steps − 1 and its end at the last step, t = total_steps − 1; ours at
    # rise·total and at total, one past the last step. Its end is a part of the start, ours of the peak.
    return lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=learning_rate,
        total_steps=total + 1,
        pct_start=(rise * total + 1) / (total + 1),
        anneal_strategy={"cosine": "cos", "linear": "linear"}[shape],
        cycle_momentum=False,
        div_factor=1 / start_factor,
        final_div_factor=start_factor / end_factor if end_factor else math.inf,
    )


def _uneven_cycles(learning_rate, total, *, cycles, min_rate=0.0):
    """CosineAnnealingWarmRestarts has cycles of one length; these differ by one, so each gets a scheduler."""
    starts = [math.ceil(cycle * total / cycles) for cycle in range(cycles + 1)]
    parts = [("cosine", {"min_rate": min_rate}, end - start) for start, end in itertools.pairwise(starts)]
    return [rate for *decay, length in parts for rate in rates(decay, learning_rate, length)]


# --- optimisers --------------------------------------------------------------------------------------


def make_optimizer(name, settings, groups):
    """An optimiser of torch over [weights, biases]; `set_rate` gives it each step's α."""
    betas = (settings.get("beta1", 0.9), settings.get("beta2", 0.999))
    epsilon = settings.get("epsilon", 1e-8)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.0)
    if name == "momentum":  # v = βv + g with no (1 − β): dampening 0, and α is converted in set_rate
        return torch.optim.SGD(
            groups, lr=0.0, momentum=settings.get("beta", 0.9), dampening=0.0, nesterov=settings.get("nesterov", False)
        )
    if name == "adagrad":
        return torch.optim.Adagrad(groups, lr=0.0, lr_decay=0.0, initial_accumulator_value=0.0, eps=epsilon)
    if name == "rmsprop":  # ρ is `alpha`; ε stands outside the root, as ours
        return torch.optim.RMSprop(groups, lr=0.0, alpha=settings.get("rho", 0.9), eps=epsilon)
    if name == "adadelta":  # ε inside both roots, as ours
        return torch.optim.Adadelta(groups, lr=0.0, rho=settings.get("rho", 0.95), eps=settings.get("epsilon", 1e-6))
    if name == "adam":  # amsgrad: both take the largest of the uncorrected s, and correct it by 1 − β2ᵗ
        return torch.optim.Adam(groups, lr=0.0, betas=betas, eps=epsilon, amsgrad=settings.get("amsgrad", False))
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=epsilon)
    if name == "nadam":
        # torch warms β1 up: μₜ = β1 (1 − ½ · 0.96^(t · momentum_decay)). So large a decay ends that at once: μₜ = β1.
        return torch.optim.NAdam(groups, lr=0.0, betas=betas, eps=epsilon, momentum_decay=1e6)
    raise NotImplementedError(f"torch has no {name}")


def set_rate(optimizer, case, alpha, t, m):
    """Give torch the α and the penalties of step t over m examples."""
    (name, settings), l2 = case.optimizer, PENALTIES[case.penalty].get("l2", 0.0)
    weights, biases = optimizer.param_groups
    rate = alpha
    if name == "momentum":
        beta = settings.get("beta", 0.9)
        rate = alpha * (1 - beta)
        if settings.get("bias_correction"):  # not in torch: the average's weights add up to 1 − βᵗ, one more ahead
            rate /= 1 - beta ** (t + settings.get("nesterov", False))
    weights["lr"] = biases["lr"] = rate
    # (λ/2m)‖W‖² in J is weight_decay λ/m in torch, which adds it to the gradient; biases have none.
    weights["weight_decay"], biases["weight_decay"] = l2 / m, 0.0
    if name == "adamw":
        # torch: θ ← (1 − α'λ')θ − α'u, as the paper; ours decays what the step gave: θ ← (1 − αλ)(θ − αu).
        decay = settings.get("weight_decay", 0.01)
        weights["lr"], weights["weight_decay"] = alpha * (1 - alpha * decay), decay / (1 - alpha * decay)


# --- losses ------------------------------------------------------------------------------------------


def losses_of(name, settings, Z, Y):
    """The loss of each example (m,) from the logits Z (m, units)."""
    smoothing = settings.get("label_smoothing", 0.0)
    if name == "squared_error":  # ours has ½, and sums over the outputs
        return 0.5 * F.mse_loss(Z, Y, reduction="none").sum(dim=1)
    if name == "absolute_error":
        return F.l1_loss(Z, Y, reduction="none").sum(dim=1)
    if name == "huber":  # smooth_l1_loss is this divided by δ
        return F.huber_loss(Z, Y, delta=settings.get("delta", 1.0), reduction="none").sum(dim=1)
    if name == "categorical_cross_entropy":  # label smoothing towards 1/C, as ours
        return F.cross_entropy(Z, Y, label_smoothing=smoothing, reduction="none")
    if name == "binary_cross_entropy":
        Y = Y.reshape(-1, 1).to(Z.dtype)
    else:
        assert name == "multi_task_cross_entropy"
    present = ~torch.isnan(Y)  # torch has no missing labels: their losses are masked, the mean stays over m
    Y = torch.where(present, (1 - smoothing) * Y + smoothing / 2, 0.0)  # nor smoothing of binary labels
    return (F.binary_cross_entropy_with_logits(Z, Y, reduction="none") * present).sum(dim=1)


# --- the network -------------------------------------------------------------------------------------


class Averages:
    """Running averages of one layer's batch normalisation, kept by torch and converted.

    torch: r ← (1 − p) r + p · value, so p is 1 − our momentum; it corrects no bias, starts σ² at 1 rather than 0 and
    averages the unbiased variance, Σ(z − μ)²/(m − 1). A batch's part of r is therefore taken out and multiplied by
    (m − 1)/m.
    """

    def __init__(self, n):
        self.mean, self.variance, self.biased = torch.zeros(n), torch.zeros(n), torch.zeros(n)
        self.t = 0

    def normalize(self, Z, gamma, beta):
        before = self.variance.clone()
        out = F.batch_norm(Z, self.mean, self.variance, gamma, beta, training=True, momentum=1 - MOMENTUM, eps=EPSILON)
        m = len(Z)
        self.biased = MOMENTUM * self.biased + (self.variance - MOMENTUM * before) * (m - 1) / m
        self.t += 1
        return out

    def corrected(self):
        """μ and σ² of evaluation, divided by 1 − momentumᵗ."""
        correction = 1 - MOMENTUM**self.t
        return self.mean / correction, self.biased / correction

    def evaluate(self, Z, gamma, beta):
        return F.batch_norm(Z, *self.corrected(), gamma, beta, training=False, eps=EPSILON)


def forward(values, X, normalization, averages, *, training):
    A = X
    for layer, g in enumerate((torch.relu, torch.tanh), start=1):
        Z = F.linear(A, values[f"W{layer}"], values.get(f"b{layer}"))
        if normalization == "none":
            A = g(Z)
            continue
        norm = averages[layer - 1].normalize if training else averages[layer - 1].evaluate
        gamma, beta = values[f"gamma{layer}"], values[f"beta{layer}"]
        A = g(norm(Z, gamma, beta)) if normalization == "before" else norm(g(Z), gamma, beta)
    last = len(HIDDEN) + 1
    return F.linear(A, values[f"W{last}"], values[f"b{last}"])


def train(case):
    """The result of one case."""
    loss, loss_settings, units = case.loss
    values = {name: torch.tensor(value, requires_grad=True) for name, value in start_values(case).items()}
    weights = [value for name, value in values.items() if name.startswith("W")]
    biases = [value for name, value in values.items() if not name.startswith("W")]
    optimizer = make_optimizer(*case.optimizer, [{"params": weights}, {"params": biases}])
    averages = [Averages(n) for n in HIDDEN]
    penalty = PENALTIES[case.penalty]
    in_cost = {name: value for name, value in penalty.items() if name == "l1" or case.optimizer[0] == "adamw"}

    names, losses, thetas = shapes(units, case.normalization), [], []
    data = [(torch.from_numpy(X), torch.from_numpy(Y)) for X, Y in batches(case)]
    for t, alpha in enumerate(rates(case.decay, case.learning_rate, STEPS), start=1):
        X, Y = data[(t - 1) % len(data)]
        mean_loss = losses_of(
            loss, loss_settings, forward(values, X, case.normalization, averages, training=True), Y
        ).mean()
        cost = mean_loss
        if "l2" in in_cost:  # AdamW's weight_decay is the decoupled one, so the penalty goes into the cost
            cost = cost + in_cost["l2"] / (2 * len(X)) * sum((W**2).sum() for W in weights)
        if "l1" in in_cost:  # torch has none
            cost = cost + in_cost["l1"] / len(X) * sum(W.abs().sum() for W in weights)
        optimizer.zero_grad()
        cost.backward()
        set_rate(optimizer, case, alpha, t, len(X))
        optimizer.step()
        losses.append(mean_loss.item())
        if t in KEPT_STEPS:
            thetas.append(flat({name: value.detach().numpy() for name, value in values.items()}, names))
    with torch.no_grad():
        logits = forward(values, torch.from_numpy(dev_inputs()), case.normalization, averages, training=False)
    statistics = [row.numpy() for layer in averages for row in layer.corrected()] if averages[0].t else []
    return Result(np.array(losses), np.array(thetas), np.concatenate([np.empty(0), *statistics]), logits.numpy())


# --- functions by themselves -------------------------------------------------------------------------

ACTIVATIONS = {
    "linear": lambda Z: Z * 1,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda Z, slope=0.01: F.leaky_relu(Z, slope),
    "hard_tanh": F.hardtanh,
    "elu": F.elu,
    "selu": F.selu,
    "softplus": lambda Z: F.softplus(Z, threshold=700.0),  # torch's default takes log(1 + eᶻ) = z from 20 on
    "silu": F.silu,
    "gelu": lambda Z, form="exact": F.gelu(Z, approximate={"exact": "none", "tanh": "tanh"}[form]),
}


def activation(name, settings, z):
    """g(z) and g'(z)."""
    Z = torch.tensor(z, requires_grad=True)
    A = ACTIVATIONS[name](Z, **settings)
    A.sum().backward()
    return A.detach().numpy(), Z.grad.numpy()


def loss_and_gradient(name, settings, Z, Y):
    """The loss of each example, and dZ of their mean."""
    logits = torch.tensor(Z, requires_grad=True)
    losses = losses_of(name, settings, logits, torch.from_numpy(Y))
    losses.mean().backward()
    return losses.detach().numpy(), logits.grad.numpy()


# By our names. torch's xavier is our glorot; our xavier and lecun are torch's kaiming with the gain of a linear layer.
INITIALIZERS = {
    "glorot": lambda W, **kw: torch.nn.init.xavier_normal_(W, **kw),
    "glorot_uniform": lambda W, **kw: torch.nn.init.xavier_uniform_(W, **kw),
    "he": lambda W, **kw: torch.nn.init.kaiming_normal_(W, nonlinearity="relu", **kw),
    "he_uniform": lambda W, **kw: torch.nn.init.kaiming_uniform_(W, nonlinearity="relu", **kw),
    "xavier": lambda W, **kw: torch.nn.init.kaiming_normal_(W, nonlinearity="linear", **kw),
    "xavier_uniform": lambda W, **kw: torch.nn.init.kaiming_uniform_(W, nonlinearity="linear", **kw),
}
INITIALIZERS |= {"lecun": INITIALIZERS["xavier"], "lecun_uniform": INITIALIZERS["xavier_uniform"]}


def initializer_factor(name, shape):
    """What N(0, 1) is multiplied by, or the bound of a uniform: the quotient of the same draws."""
    W, draws = (torch.empty(shape) for _ in range(2))
    INITIALIZERS[name](W, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    if name.endswith("uniform"):
        draws.uniform_(-1, 1, generator=generator)
    else:
        draws.normal_(0, 1, generator=generator)
    return float((W.sum() / draws.sum()).item())
