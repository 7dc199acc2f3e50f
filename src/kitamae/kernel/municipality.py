"""全国地方公共団体コード: five digits for the municipality, a sixth to check them (総務省, JIS X 0402)."""

from __future__ import annotations


def check_digit(code5: str) -> str:
    """The sixth digit: 11 minus the weighted sum modulo 11, its last digit. `17206` -> `5`."""
    rest = sum(int(digit) * weight for digit, weight in zip(code5, (6, 5, 4, 3, 2), strict=True)) % 11
    return str((11 - rest) % 10)


def whole(code: str) -> str:
    """`17206` -> `172065`; six digits stay as they are. Raises ValueError for anything else."""
    if code.isascii() and code.isdigit():
        if len(code) == 5:
            return code + check_digit(code)
        if len(code) == 6 and check_digit(code[:5]) == code[5]:
            return code
    raise ValueError("expected a 全国地方公共団体コード of five or six digits")
