"""The AdamW optimizer on torch's fused kernel: the numbers of `torch.optim.AdamW(fused=True)`, a second sooner.

The first optimizer that `torch.optim` creates loads torch's compiler (pytorch/torch/_compile.py). That takes about
a second, and charlm compiles nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_EPSILON = 1e-8


@final
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); parameters without a gradient do not change.

    Attributes:
        learning_rate: the learning rate of the next step.
        trunk_factor: the factor of it for the parameters of a trunk.

    Args:
        groups: pairs of parameters and their weight decay.
        trunk: parameters that were trained before, and learn at a rate of their own; each in a group without others.
    """

    def __init__(
        self,
        groups: Sequence[tuple[Sequence[nn.Parameter], float]],
        *,
        beta1: float,
        beta2: float,
        trunk: Iterable[nn.Parameter] = (),
    ) -> None:
        self.learning_rate = 0.0
        self.trunk_factor = 1.0
        self._trunk = {id(parameter) for parameter in trunk}
        self._groups: list[tuple[list[Tensor], float]] = [(list(parameters), decay) for parameters, decay in groups]
        self._beta1 = beta1
        self._beta2 = beta2
        self._state: dict[Tensor, dict[str, Tensor]] = {
            parameter: {
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            }
            for parameters, _ in self._groups
            for parameter in parameters
        }

    @torch.no_grad()
    def step(self, *, divisor: Tensor | None = None, skipped: Tensor | None = None) -> None:
        """Updates every parameter that has a gradient.

        Args:
            divisor: float32 `[]` on the parameters' device; every gradient is divided by it first.  [default: 1]
            skipped: float32 `[]` on the parameters' device; 1 changes nothing.  [default: 0]
        """
        counted = 1.0 if skipped is None else 1.0 - skipped
        for parameters, decay in self._groups:
            moved: list[Tensor] = [parameter for parameter in parameters if parameter.grad is not None]
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            if not moved:
                continue
            means, squares, steps = ([self._state[parameter][name] for parameter in moved] for name in _MOMENTS)
            torch._foreach_add_(steps, counted)
            factor = self.trunk_factor if id(moved[0]) in self._trunk else 1.0
            torch._fused_adamw_(
                moved,
                gradients,
                means,
                squares,
                [],
                steps,
                lr=self.learning_rate * factor,
                beta1=self._beta1,
                beta2=self._beta2,
                weight_decay=decay,
                eps=_EPSILON,
                amsgrad=False,
                maximize=False,
                grad_scale=divisor,
                found_inf=skipped,
            )

    def zero_grad(self) -> None:
        """Drops all gradients."""
        for parameter in self._state:
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Returns the moments and the number of steps of every parameter, named `NUMBER.MOMENT`."""
        return {
            f"{index}.{name}": tensor
            for index, moments in enumerate(self._state.values())
            for name, tensor in moments.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restores the tensors that `tensors` returned.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor has another shape.
        """
        for name, own in self.tensors().items():
            if tensors[name].shape != own.shape:
                raise ValueError(f"the optimizer's {name} is of the shape {tuple(tensors[name].shape)}")
            own.copy_(tensors[name])


def build_optimizer(
    model: nn.Module, *, beta1: float, beta2: float, weight_decay: float, trunk: Collection[str] = ()
) -> AdamW:
    """Returns AdamW with weight decay for matrices, and none for biases and norms.

    Args:
        trunk: the names of the parameters that learn at a rate of their own.
    """
    parameters = dict(model.named_parameters())
    ordered = [(name in trunk, parameters[name]) for name in parameter_names(model)]
    groups = []
    for is_matrix in (True, False):
        for in_trunk in (True, False):
            chosen = [each for of_trunk, each in ordered if (each.ndim >= 2, of_trunk) == (is_matrix, in_trunk)]
            groups.append((chosen, weight_decay if is_matrix else 0.0))
    return AdamW(groups, beta1=beta1, beta2=beta2, trunk=[parameters[name] for name in trunk])


def parameter_names(model: nn.Module) -> list[str]:
    """Returns the names of the parameters that are trained, in the order of the optimizer: matrices first."""
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [name for name, _ in sorted(trained, key=lambda each: each[1].ndim < 2)]
