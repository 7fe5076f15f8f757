"""dlspec against its peers: the same workloads, interleaved, in processes of their own."""
