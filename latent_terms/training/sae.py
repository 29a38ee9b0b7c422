"""The TopK sparse autoencoder in torch, with its gradients written out and sparse.

z = TopK(ReLU(W_enc (h - b_pre) + b_enc)),  h' = W_dec z + b_pre
(Gao et al. 2024, arXiv 2406.04093, eq. 3; Clavié et al. 2026, arXiv 2605.29384, section 3.)

Only k of n latents are active in a token, so all but one product, the pre-activations, cost k/n
of a dense one: 16,384 latents train at thousands of tokens per second on two CPU cores.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

# Not W[indices], whose gradient adds up in another order in every run.
from torch.nn.functional import embedding, embedding_bag

BLOCK = 64  # latents per block in the search for the k strongest


class Codes(NamedTuple):
    """The k strongest latents of each token, strongest first."""

    values: Tensor  # (n, k), >= 0
    indices: Tensor  # (n, k), int64


class Step(NamedTuple):
    """What one batch showed; the gradients are in the parameters."""

    loss: float  # squared error plus auxiliary loss, per token, in units of the variance
    nmse: float  # squared error / variance of the states: 0 is perfect, 1 is the mean
    fired: Tensor  # (n_latents,) bool


class SparseAutoencoder(nn.Module):
    """Encoder and decoder rows of one latent lie side by side: (n_latents, dimensions)."""

    def __init__(self, dimensions: int, n_latents: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.W_enc = nn.Parameter(torch.empty(n_latents, dimensions))
        self.W_dec = nn.Parameter(torch.empty(n_latents, dimensions))
        self.b_enc = nn.Parameter(torch.zeros(n_latents))
        self.b_pre = nn.Parameter(torch.zeros(dimensions))

    def initialise(self, mean: Tensor, generator: torch.Generator) -> None:
        """Unit-norm decoder, encoder = decoder, centred on the mean state (d,)."""
        with torch.no_grad():
            self.W_dec.normal_(generator=generator)
            self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True))
            self.W_enc.copy_(self.W_dec)
            self.b_pre.copy_(mean)

    def normalise(self) -> None:
        """Back to unit-norm decoder rows, so that the size of a code means the same everywhere."""
        with torch.no_grad():
            self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True).clamp_min(1e-9))

    def pre_activations(self, centred: Tensor) -> Tensor:
        """(n, d) -> (n, n_latents) in bfloat16: exact enough to choose the strongest by."""
        product = centred.bfloat16() @ self.W_enc.detach().bfloat16().T
        return product.add_(self.b_enc.detach().bfloat16())

    def exact(self, centred: Tensor, indices: Tensor) -> Tensor:
        """Float32 activations (n, k) of chosen latents (n, k)."""
        rows = embedding(indices, self.W_enc)  # (n, k, d)
        bias = self.b_enc.index_select(0, indices.flatten()).view(indices.shape)
        return torch.relu(torch.einsum("nd,nkd->nk", centred, rows) + bias)

    def encode(self, states: Tensor) -> Codes:
        """Codes of states (n, d); differentiable in the encoder."""
        centred = states - self.b_pre
        indices = strongest(self.pre_activations(centred.detach()), self.k)
        return Codes(self.exact(centred, indices), indices)

    def backward(self, states: Tensor, *, dead: Tensor | None, auxiliary: float) -> Step:
        """Fill in the gradients of the mean squared error of states (n, d).

        ``dead``: the latents (m,) that also try to explain what is left over, with the weight
        ``auxiliary`` (Gao et al., appendix A.2); None when there are none.
        """
        with torch.no_grad():
            centred = states - self.b_pre
            pre = self.pre_activations(centred)
            indices = strongest(pre, self.k)
            values = self.exact(centred, indices)
            error = self._decode(values, indices) - centred
            variance = (states - states.mean(dim=0)).square().sum().clamp_min(1e-9)
            gradients = _Gradients(self)
            gradients.add(centred, values, indices, error * (2 / variance))
            loss = nmse = float(error.square().sum() / variance)
            if dead is not None and len(dead):
                loss += self._revive(gradients, centred, pre, error, dead, auxiliary)
            gradients.finish(error.sum(dim=0) * (2 / variance))
            fired = torch.zeros(len(self.b_enc), dtype=torch.bool, device=states.device)
            fired[indices[values > 0]] = True
        return Step(loss, nmse, fired)

    def _decode(self, values: Tensor, indices: Tensor) -> Tensor:
        return embedding_bag(indices, self.W_dec, per_sample_weights=values, mode="sum")

    def _revive(
        self,
        gradients: _Gradients,
        centred: Tensor,
        pre: Tensor,
        error: Tensor,
        dead: Tensor,
        weight: float,
    ) -> float:
        count = min(len(dead), 2 * self.k)
        chosen = dead[pre[:, dead].float().topk(count, dim=1).indices]
        values = self.exact(centred, chosen)
        left = self._decode(values, chosen) + error  # error = reconstruction - state
        scale = left.square().sum() / error.square().sum().clamp_min(1e-9)
        if not torch.isfinite(scale):
            return 0.0
        gradients.add(centred, values, chosen, left * (2 * weight / error.square().sum()))
        return weight * float(scale)


def strongest(pre: Tensor, k: int) -> Tensor:
    """Indices (n, k) of the k largest of each row (n, m), largest first.

    The k largest lie in the k blocks with the largest maxima, so only these are sorted: twice as
    fast as ``topk`` over the row.
    """
    n, m = pre.shape
    if m % BLOCK or m // BLOCK < k:
        return pre.float().topk(k, dim=1).indices
    blocks = pre.float().view(n, -1, BLOCK)
    best = blocks.amax(dim=2).topk(k, dim=1).indices  # (n, k)
    candidates = blocks.gather(1, best.unsqueeze(2).expand(-1, -1, BLOCK)).flatten(1)
    found = candidates.topk(k, dim=1).indices
    return best.gather(1, found // BLOCK) * BLOCK + found % BLOCK


class _Gradients:
    """Gradients of encoder and decoder: sums over the tokens in which each latent is active."""

    def __init__(self, sae: SparseAutoencoder) -> None:
        self._sae = sae
        self._enc = torch.zeros_like(sae.W_enc)
        self._dec = torch.zeros_like(sae.W_dec)
        self._bias = torch.zeros_like(sae.b_enc)

    def add(self, centred: Tensor, values: Tensor, indices: Tensor, d_output: Tensor) -> None:
        """Loss gradient at the reconstruction, (n, d), back to encoder and decoder rows."""
        rows = self._sae.W_dec[indices]  # (n, k, d)
        d_values = torch.einsum("nd,nkd->nk", d_output, rows) * (values > 0)
        order = indices.flatten().argsort()
        counts = torch.bincount(indices.flatten(), minlength=len(self._bias))
        starts = counts.cumsum(0) - counts
        tokens = order // indices.shape[1]
        for total, weights, vectors in (
            (self._dec, values, d_output),
            (self._enc, d_values, centred),
        ):
            total += embedding_bag(
                tokens, vectors, starts, per_sample_weights=weights.flatten()[order], mode="sum"
            )
        self._bias.index_add_(0, indices.flatten(), d_values.flatten())

    def finish(self, d_reconstruction: Tensor) -> None:
        """Put the sums where the optimiser looks for them; b_pre shifts input and output."""
        sae = self._sae
        sae.W_enc.grad, sae.W_dec.grad, sae.b_enc.grad = self._enc, self._dec, self._bias
        # centred = h - b_pre enters the encoder, and h' - h = W_dec z - centred.
        sae.b_pre.grad = d_reconstruction - self._bias @ sae.W_enc.detach()
