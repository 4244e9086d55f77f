from __future__ import annotations

import numpy as np
import pytest

from eventsieve.multiplicity import holm


def test_holms_correction_is_his() -> None:
    # S. Holm, Scand. J. Stat. 6 (1979) 65: the i-th smallest of n is compared with level / (n - i + 1).
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_no_corrected_chance_is_above_one() -> None:
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_what_was_not_tested_does_not_count() -> None:
    corrected = holm([np.nan, 0.02, 0.5])
    assert np.isnan(corrected[0])
    assert corrected[1:] == [0.04, 0.5]
