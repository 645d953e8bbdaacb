"""The steps of a GRU through a window, forwards and backwards, as TorchScript compiles them."""

import torch
from torch import Tensor


def read_steps(
    gates: Tensor,
    doubled_inputs: Tensor,
    candidates: Tensor,
    states: Tensor,
    state: Tensor,
    matrix: Tensor,
    is_packed: bool,
) -> Tensor:
    """Returns the state after a window, `[batch, hidden]`, written over the one before.

    Args:
        gates: what the inputs add to r and z, and the bias of the state's part of n, `[time, batch, r z n]`; each
            step replaces it by r, z and the state's part of n.
        doubled_inputs: twice what the inputs add to n, `[time, batch, hidden]`, in the state's precision.
        candidates: `[time, batch, hidden]`, for n.
        states: `[time + 1, batch, hidden]`, in the precision of the window; the first is there already.
        state: the same one, in the precision that steps are computed in.
        matrix: of a `StepProduct`.
        is_packed: so is this.
    """
    hidden = state.size(1)
    gate = torch.empty([state.size(0), 3 * hidden], dtype=state.dtype)
    reset, update, candidate_state = torch.split(gate, hidden, 1)
    reset_update = gate[:, : 2 * hidden]
    candidate = torch.empty_like(state)
    minus_one = torch.full_like(state, -1.0)
    after = states.unbind(0)
    kept_candidates = candidates.unbind(0)
    inputs = doubled_inputs.unbind(0)
    is_own = matrix.dtype == state.dtype and not is_packed
    for step, kept in enumerate(gates.unbind(0)):
        if is_packed:
            gate.copy_(torch.ops.mkldnn._linear_pointwise(after[step], kept, matrix, None, "add"))
        elif is_own:
            gate.copy_(kept).addmm_(state, matrix)
        else:
            gate.copy_(kept).add_(torch.mm(after[step], matrix))
        reset_update.sigmoid_()
        # tanh(x) = 2 sigmoid(2 x) - 1, in a third of the time.
        torch.addcmul(inputs[step], reset, candidate_state, value=2.0, out=candidate).sigmoid_()
        torch.add(minus_one, candidate, alpha=2.0, out=candidate)
        torch.lerp(candidate, state, update, out=state)
        after[step + 1].copy_(state)
        kept.copy_(gate)
        kept_candidates[step].copy_(candidate)
    return state


def return_steps(
    factors: Tensor,
    grads: Tensor,
    updates: Tensor,
    grad_outputs: Tensor,
    grad: Tensor,
    matrix: Tensor,
    is_packed: bool,
) -> Tensor:
    """Returns the gradient of the state before a window, `[batch, hidden]`, written over that of the state after it.

    Args:
        factors: of the gradients of what enters r, z and the state's part of n, `[time, batch, 3, hidden]`; each step
            multiplies its own with its state's gradient.
        grads: `[time, batch, hidden]`, for the gradient of the state after each step.
        updates: z, `[time, batch, hidden]`.
        grad_outputs: `[time, batch, hidden]`.
        grad: of the state after the window, what comes from the last output included.
        matrix: of a `StepProduct` with the transposed matrix.
        is_packed: so is this.
    """
    flat_factors = factors.flatten(2).unbind(0)
    kept_grads = grads.unbind(0)
    per_gate = grads.unsqueeze(2).unbind(0)
    kept_updates = updates.unbind(0)
    outputs = grad_outputs.unbind(0)
    own_factors = factors.unbind(0)
    zero = torch.zeros_like(grads[0])
    is_own = matrix.dtype == grad.dtype and not is_packed
    for back in range(len(outputs)):
        step = len(outputs) - 1 - back
        kept_grads[step].copy_(grad)
        own_factors[step].mul_(per_gate[step])
        grad.mul_(kept_updates[step])
        from_output = outputs[step - 1] if step > 0 else zero
        if is_packed:
            grad.add_(torch.ops.mkldnn._linear_pointwise(flat_factors[step], from_output, matrix, None, "add"))
        elif is_own:
            grad.add_(from_output).addmm_(flat_factors[step].to(matrix.dtype), matrix)
        else:
            grad.add_(from_output).add_(torch.mm(flat_factors[step], matrix))
    return grad
