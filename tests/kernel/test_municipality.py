from __future__ import annotations

import pytest

from kitamae.kernel.municipality import whole


@pytest.mark.parametrize("code", ["172065", "172014", "011002", "131016", "472018"])
def test_the_check_digits_of_real_cities(code: str) -> None:
    assert whole(code[:5]) == whole(code) == code


@pytest.mark.parametrize("code", ["172066", "1720", "", "17206x", "１７２０６"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="five or six digits"):
        whole(code)
