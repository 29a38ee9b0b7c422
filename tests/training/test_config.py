"""Options that make no sense are refused by name."""

from __future__ import annotations

import pytest

from latent_terms import LatentTermsError
from latent_terms.training.config import TrainConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is 0: it must be above 0"),
        ({"sparsity": -1.0}, "sparsity is -1.0: it must not be negative"),
        ({"drop_above": 1.5}, "drop_above is 1.5: it is a share"),
        ({"k": 9, "n_latents": 8}, "above the 8 latents"),
        ({"device": "tpu"}, "device is 'tpu'"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(LatentTermsError, match=message):
        TrainConfig(**options)  # type: ignore[arg-type]
