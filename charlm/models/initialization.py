"""The first weights of recurrent layers."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from charlm.cells import Cell
from charlm.config import Init


@dataclass(frozen=True)
class Initialization:
    """How the first weights of a recurrent layer are drawn: the usual way, or one by name.

    Input matrices are Xavier-uniform gate by gate (Glorot and Bengio 2010), biases zero but for an LSTM's
    forget gate, peepholes zero. Recurrent matrices are, gate by gate:

    - default and orthogonal: orthogonal (Saxe et al. 2014), which keeps the norm of a state;
    - identity: the identity, which keeps a state as it is (Le et al. 2015, with ReLU units the IRNN);
    - gaussian: normal with variance k / n for n units. A ReLU layer keeps activations' norms for k = 2; with
      more they explode, with less they die out.

    Attributes:
        variance: k.
        keeping_bias: of the gates that keep the past, an LSTM's forget gates and a GRU's update gates; None is the
            field's: 1 for LSTMs, which lets them remember from the start (Jozefowicz et al. 2015), 0 for GRUs.
    """

    kind: Init = "default"
    variance: float = 1.0
    keeping_bias: float | None = None

    @torch.no_grad()
    def apply(self, layer: nn.Module, cell: Cell, generator: torch.Generator) -> None:
        """Draws the weights of a layer of this cell."""
        names = [gate.name for gate in cell.gates]
        for name, parameter in layer.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.chunk(len(names)):
                    self._draw_recurrent(gate, generator)
            elif name.startswith("weight_ih"):
                for gate in parameter.chunk(len(names)):
                    nn.init.xavier_uniform_(gate, generator=generator)
            else:
                nn.init.zeros_(parameter)
            # torch keeps two biases for each gate and adds them.
            if cell.keeping_gate is not None and name.startswith("bias_ih"):
                bias = cell.keeping_bias if self.keeping_bias is None else self.keeping_bias
                nn.init.constant_(parameter.chunk(len(names))[names.index(cell.keeping_gate)], bias)

    def _draw_recurrent(self, matrix: Tensor, generator: torch.Generator) -> None:
        match self.kind:
            case "default" | "orthogonal":
                nn.init.orthogonal_(matrix, generator=generator)
            case "identity":
                nn.init.eye_(matrix)
            case "gaussian":
                nn.init.normal_(matrix, std=math.sqrt(self.variance / len(matrix)), generator=generator)
