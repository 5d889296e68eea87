"""FreqDropout: in training, some stocks lose a random band of frequencies of their raw channels.

models.md 2: rfft along time, a band of 5-20 % of the frequencies set to 0 with probability p, irfft with n = L; the
identity in evaluation. Kin of frequency masking in SpecAugment (Park et al., 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NARROWEST, WIDEST = 0.05, 0.20


class FrequencyDropout(nn.Module):
    """Random bands of frequencies go missing.

    Args:
        share: probability p that a stock loses a band.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """[N, L, C] -> [N, L, C]; unchanged in evaluation."""
        if not self.training or self.share == 0.0:
            return x
        spectrum = torch.fft.rfft(x.float(), dim=1)  # [N, B, C]
        n, bins, _ = spectrum.shape
        drawn = torch.rand(3, n, 1, device=x.device)
        width = (bins * (NARROWEST + (WIDEST - NARROWEST) * drawn[0])).clamp(min=1.0)
        start = torch.floor(drawn[1] * (bins - width + 1))
        place = torch.arange(bins, device=x.device)  # [B]
        lost = (place >= start) & (place < start + width) & (drawn[2] < self.share)  # [N, B]
        out: Tensor = torch.fft.irfft(spectrum.masked_fill(lost[..., None], 0.0), n=x.shape[1], dim=1)
        return out.to(x.dtype)
