"""The steps of an LSTM through a window, forwards and backwards, as TorchScript compiles them."""

import torch
from torch import Tensor


def read_steps(gates: Tensor, states: Tensor, cells: Tensor, squashed: Tensor, matrix: Tensor) -> Tensor:
    """Returns the state after a window, `[batch, hidden]`.

    Args:
        gates: what the inputs add to i, f, twice to g, and to o, `[time, batch, i f g o]`; each step replaces it by the
            gates, with sigmoid(2 x) = (g + 1) / 2 in place of g.
        states: `[time + 1, batch, hidden]`, in the precision of the window; the first is there already.
        cells: c, `[time + 1, batch, hidden]`, in the precision that steps are computed in; the first is there already.
        squashed: `[time, batch, hidden]`, for tanh(c).
        matrix: of a packed `StepProduct`, whose rows for g are doubled.
    """
    hidden = cells.size(2)
    gate = torch.empty([cells.size(1), 4 * hidden], dtype=cells.dtype)
    input_gate, forget_gate, candidate, output_gate = torch.split(gate, hidden, 1)
    minus_one = torch.full_like(cells[0], -1.0)
    zero = torch.zeros_like(cells[0])
    doubled = torch.empty_like(cells[0])
    state = torch.empty_like(cells[0])
    after = states.unbind(0)
    memories = cells.unbind(0)
    tanhs = squashed.unbind(0)
    for step, kept in enumerate(gates.unbind(0)):
        gate.copy_(torch.ops.mkldnn._linear_pointwise(after[step], kept, matrix, None, "add")).sigmoid_()
        kept.copy_(gate)
        # tanh(x) = 2 sigmoid(2 x) - 1, in a third of the time.
        torch.add(minus_one, candidate, alpha=2.0, out=candidate)
        torch.mul(forget_gate, memories[step], out=memories[step + 1]).addcmul_(input_gate, candidate)
        torch.add(zero, memories[step + 1], alpha=2.0, out=doubled).sigmoid_()
        torch.add(minus_one, doubled, alpha=2.0, out=doubled)
        tanhs[step].copy_(doubled)
        torch.mul(output_gate, doubled, out=state)
        after[step + 1].copy_(state)
    return state


def return_steps(
    factors: Tensor,
    to_cells: Tensor,
    forget_gates: Tensor,
    grad_outputs: Tensor,
    grad: Tensor,
    grad_cell: Tensor,
    matrix: Tensor,
) -> Tensor:
    """Returns the gradient of the state before a window, `[batch, hidden]`.

    Args:
        factors: of the gradients of what enters i, f, g, which come from c, and o, which come from h,
            `[time, batch, 4, hidden]`; each step multiplies its own with those.
        to_cells: the factor of what comes from h to c, `[time, batch, hidden]`, in the precision of the gradients.
        forget_gates: f, likewise.
        grad_outputs: `[time, batch, hidden]`.
        grad: of the state after the window, what comes from the last output included; written over.
        grad_cell: of c after the window; what comes to c before it is written over it.
        matrix: of a packed `StepProduct` with the transposed matrix.
    """
    flat_factors = factors.flatten(2).unbind(0)
    of_cells = factors[:, :, :3].unbind(0)
    of_outputs = factors[:, :, 3].unbind(0)
    to_cell = to_cells.unbind(0)
    forgets = forget_gates.unbind(0)
    outputs = grad_outputs.unbind(0)
    # In the factors' precision: a product with another takes five times as long.
    low, low_cell = torch.empty_like(factors[0, :, 0]), torch.empty_like(factors[0, :, :1])
    per_gate = grad_cell.unsqueeze(1)
    zero = torch.zeros_like(grad_outputs[0])
    for back in range(len(outputs)):
        step = len(outputs) - 1 - back
        grad_cell.addcmul_(grad, to_cell[step])
        of_cells[step].mul_(low_cell.copy_(per_gate))
        of_outputs[step].mul_(low.copy_(grad))
        grad_cell.mul_(forgets[step])
        from_output = outputs[step - 1] if step > 0 else zero
        grad.copy_(torch.ops.mkldnn._linear_pointwise(flat_factors[step], from_output, matrix, None, "add"))
    return grad
