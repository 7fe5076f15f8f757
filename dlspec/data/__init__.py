"""Arrays out of files: readers, synthetic sets, splits, normalisation and mini-batches.

Plain arguments in, NumPy arrays out: nothing here knows the experiment file.
"""
