"""What goes on inside a network while it learns: gradients, activations and loss terms, module by module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.models.layers.gated_residual import GatedLinear


def gradient_shares(model: nn.Module, terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Share of each loss term in the sum of the terms' gradient norms, so that a dead term shows."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    norms = {}
    for name, term in terms.items():
        gradients = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
        norms[name] = math.sqrt(sum(float(grad.pow(2).sum()) for grad in gradients if grad is not None))
    total = sum(norms.values()) or 1.0
    return {f"gradient_share_{name}": norm / total for name, norm in norms.items()}


def gradient_norms(model: nn.Module) -> dict[str, float]:
    """Norm of the gradient of each part of the network, before clipping: `gradient_norm_<part>`.

    0 for a part that no loss reaches.
    """
    found: dict[str, float] = {}
    for name, weight in model.named_parameters():
        key = f"gradient_norm_{name.split('.')[0]}"
        mine = 0.0 if weight.grad is None else float(weight.grad.detach().float().pow(2).sum())
        found[key] = found.get(key, 0.0) + mine
    return {key: math.sqrt(value) for key, value in found.items()}


@contextmanager
def activations(model: nn.Module, found: dict[str, float], *, measure: bool) -> Iterator[None]:
    """Write down, while the block runs, what each part of the network puts out.

    Args:
        model: parts are its direct children.
        found: receives `activation_std_<part>`, `activation_dead_<part>` (share of units that say the same of every
            stock: 1 for a part that tells nothing apart) and, where a part has gates, `gate_open_<part>` (how far the
            one that is most shut is open, 0 to 1).
        measure: whether to look at all.
    """
    handles = []
    for name, part in _parts(model) if measure else ():

        def look(_module: nn.Module, _inputs: Any, out: Any, name: str = name) -> None:
            told = out[0] if isinstance(out, tuple) and out else out
            if isinstance(told, Tensor) and told.is_floating_point() and len(told) > 1:
                flat = told.detach().float().reshape(len(told), -1)
                found[f"activation_std_{name}"] = float(flat.std())
                found[f"activation_dead_{name}"] = float((flat.std(dim=0) < 1e-7).float().mean())

        handles.append(part.register_forward_hook(look))
        handles += [gate.both.register_forward_hook(_gate(name, found)) for gate in _gates(part)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Direct children by name, those of a list one by one."""
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleList):
            yield from ((f"{name}_{place}", part) for place, part in enumerate(child))
        else:
            yield name, child


def _gates(part: nn.Module) -> list[GatedLinear]:
    return [module for module in part.modules() if isinstance(module, GatedLinear)]


def _gate(name: str, found: dict[str, float]) -> Callable[[nn.Module, Any, Tensor], None]:
    """Writes down how far a gated linear unit is open: the mean sigmoid of the second half of its map."""

    def look(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
        opened = float(torch.sigmoid(out.detach().float().chunk(2, dim=-1)[1]).mean())
        found[f"gate_open_{name}"] = min(opened, found.get(f"gate_open_{name}", 1.0))

    return look


def refuse_broken(what: str, values: Mapping[str, Tensor]) -> None:
    """Raise TrainingError naming the first of some tensors that holds NaN or infinity."""
    for name, value in values.items():
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"{what} {name}",
                got="NaN or infinite",
                want="finite",
                remedy="Look at the inputs of these days, then lower the learning rate or raise the scale anchor.",
            )


def refuse_broken_gradients(model: nn.Module, norm: Tensor, days: str) -> None:
    """Raise TrainingError naming the weights whose gradient is not finite; `norm` is that of all of them."""
    if bool(torch.isfinite(norm)):
        return
    named = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    refuse_broken(f"gradient on {days} of", named)
    raise TrainingError(
        f"gradient on {days}", got=f"a norm of {float(norm)}", want="finite", remedy="Lower the learning rate."
    )
