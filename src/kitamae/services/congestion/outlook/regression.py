"""Ridge regression, small enough to be written down: some twenty columns, some hundred rows."""

from __future__ import annotations

import math
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ridge(rows: Sequence[Sequence[float]], targets: Sequence[float], penalty: float) -> list[float]:
    """The coefficients that make the sum of squares least, with `penalty` on every square but the first column's.

    As many as a row has columns. Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("nothing to learn from")
    columns = list(zip(*rows, strict=True))
    normal = [[sum(map(mul, one, other)) for other in columns[: n + 1]] for n, one in enumerate(columns)]
    for n, line in enumerate(normal):
        line[n] += penalty if n else 1e-9
    return _solved(normal, [sum(map(mul, one, targets)) for one in columns])


def _solved(lower: list[list[float]], right: list[float]) -> list[float]:
    """Cholesky: `lower` is the lower half of a positive definite matrix, and is overwritten."""
    for n, line in enumerate(lower):
        for m in range(n):
            line[m] = (line[m] - sum(map(mul, line[:m], lower[m][:m]))) / lower[m][m]
        line[n] = math.sqrt(line[n] - sum(one * one for one in line[:n]))
    answer: list[float] = []
    for line, value in zip(lower, right, strict=True):
        answer.append((value - sum(map(mul, line, answer))) / line[-1])
    for n in range(len(answer) - 1, -1, -1):
        rest = sum(lower[m][n] * answer[m] for m in range(n + 1, len(answer)))
        answer[n] = (answer[n] - rest) / lower[n][n]
    return answer
