"""The mathematics: plain numbers and NumPy arrays in, plain numbers and NumPy arrays out.

Nothing here reads files, clocks, settings or the terminal. Examples are rows: `X (m, n_x)`,
`A[l] (m, n[l])`, `W[l] (n[l], n[l-1])`, `b[l] (n[l],)`; the course writes examples as columns, so
its formulas are the transpose of ours: `Z = A_prev Wᵀ + b`.

Everything lives twice: a constructor takes plain numbers and allocates nothing (*describe*), and
`bind` receives arrays, allocates every buffer once and returns closures (*bind*). Calling those
closures allocates nothing.
"""
