from __future__ import annotations

import pytest

from envgen.models.findings import counted, is_or_are


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(0, "0 packages are", id="none"),
        pytest.param(1, "1 package is", id="one"),
        pytest.param(2, "2 packages are", id="two"),
        pytest.param(1200, "1,200 packages are", id="many"),
    ],
)
def test_a_noun_and_its_verb_agree_with_the_number(number: int, said: str) -> None:
    assert f"{counted(number, 'package')} {is_or_are(number)}" == said
