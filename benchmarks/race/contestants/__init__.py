"""The contestants: each module has `prepare(workload, *, threads)`, which gives a function.

The function takes a number of steps, trains so many, each with a mini-batch fetched from memory in a new order per
epoch, and gives seconds per step: one number, or one per step where the contestant can be watched step by step.
"""

PEERS = {
    "torch": ("torch_eager", "torch_compile"),
    "jax": ("jax_scan",),
    "sklearn": ("scikit_learn",),
    "thinc": ("thinc_model",),
    "textbook": ("textbook",),
}
