"""Which step ε of the central differences errs least? Over every block of the battery, without smaller second tries.

    python -m benchmarks.epsilon

The default of `dlspec gradcheck --epsilon` comes from this table, which stands in docs/guides/gradient-checking.md.
"""

import numpy as np

from dlspec import battery
from dlspec.core import gradcheck

STEPS = (1e-3, 1e-4, 3e-5, 1e-5, 6e-6, 3e-6, 1e-6, 1e-7, 1e-8)


def errors(epsilon):
    """Relative error of each block whose gradient does not vanish."""
    blocks = [block for checked in battery.run(epsilon=epsilon) for block in checked.blocks]
    return np.array(
        [
            b.differences.relative_error
            for b in blocks
            if b.differences.count and np.abs(b.entries.analytic).max() > 1e-3
        ]
    )


def main():
    """Print the table."""
    gradcheck.SMALLER = (1.0,)
    print("| ε | median | 90 % | largest | above 1e-7 |\n|---|---|---|---|---|")
    for epsilon in STEPS:
        found = errors(epsilon)
        median, most = np.quantile(found, [0.5, 0.9])
        print(f"| {epsilon:.0e} | {median:.1e} | {most:.1e} | {found.max():.1e} | {(found > 1e-7).mean():.1%} |")
    print(f"\n{len(found)} blocks")


if __name__ == "__main__":
    main()
