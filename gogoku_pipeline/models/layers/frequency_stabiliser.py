"""FAN as an input stabiliser: the loudest frequencies of a raw channel are taken out and told separately.

Paper: Ye et al., "Frequency Adaptive Normalization" (NeurIPS 2024): per stock and channel, X = rfft(x) over time;
main = irfft of the K largest |X|, residual = x - main. The paper's network forecasts the main part and adds it again; a
score is no continuation of a series, so nothing is added back: the K amplitudes go to the head (models.md 2, Caution).
irfft runs with n = L, or an odd look-back comes back one session short. K counts the constant term.
"""

from __future__ import annotations

import torch
from torch import Tensor


def split_frequencies(x: Tensor, top: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take the loudest frequencies out.

    Args:
        x: [N, L, C].
        top: K, at most L // 2 + 1.

    Returns:
        Residual [N, L, C], main [N, L, C], amplitudes [N, K, C] from the loudest.
    """
    spectrum = torch.fft.rfft(x.float(), dim=1)  # [N, L // 2 + 1, C]
    amplitude, place = spectrum.abs().topk(top, dim=1)
    kept = torch.zeros_like(spectrum).scatter(1, place, spectrum.gather(1, place))
    main = torch.fft.irfft(kept, n=x.shape[1], dim=1)
    return x - main, main, amplitude
