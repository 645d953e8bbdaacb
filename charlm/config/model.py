"""`model`: its kind, shape and regularisation."""

from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, model_validator

from charlm.cells import standing_alone, with_keeping_gate, with_setting
from charlm.config.section import Only, Section
from charlm.config.types import CellName, Feedback, Init, ModelKind, Nonlinearity, Probability
from charlm.notation import Mix, parse_mix

_OF_NETWORKS = Only("model", ("recurrent", "mlp"))
_OF_RECURRENT = Only("model", ("recurrent",))
_OF_WINDOWS = Only("model", ("mlp",))
_OF_NGRAMS = Only("model", ("ngram",))


class ModelConfig(Section):
    """What kind of model, its shape and its regularisation."""

    model: ModelKind = Field(
        default="recurrent",
        description="A recurrent network; a feed-forward network that reads the last --window symbols; or an "
        "n-gram model, which takes seconds to count.",
    )
    window: Annotated[int, _OF_WINDOWS] = Field(
        default=8, ge=1, le=1024, description="Symbols that the feed-forward network reads."
    )
    order: Annotated[int, _OF_NGRAMS] = Field(
        default=7, ge=1, le=24, description="Length of an n-gram model's longest n-grams."
    )
    smoothing: Annotated[Literal["kneser-ney", "witten-bell"], _OF_NGRAMS] = Field(
        default="kneser-ney", description="How an n-gram model mixes its orders: modified Kneser-Ney, or Witten-Bell."
    )
    cell: Annotated[CellName, _OF_RECURRENT] = Field(default="lstm", description="Recurrent cell.")
    nonlinearity: Annotated[Nonlinearity, Only("cell", partial(with_setting, "nonlinearity"))] = Field(
        default="tanh", description="Activation of the rnn and jordan cells (the others have their own)."
    )
    feedback: Annotated[Feedback, Only("cell", partial(with_setting, "feedback"))] = Field(
        default="output",
        description="Feedback of a jordan cell: its last output distribution, or the true symbol (teacher forcing).",
    )
    init: Annotated[Init, _OF_RECURRENT, Only("cell", standing_alone)] = Field(
        default="default",
        description="Initial recurrent matrices: orthogonal for each gate (default and orthogonal), the "
        "identity (Le et al. 2015), or gaussian with variance --init-variance / hidden size.",
    )
    init_variance: Annotated[float, Only("init", ("gaussian",))] = Field(
        default=1.0, gt=0, le=1000, description="Variance of gaussian recurrent matrices, times the hidden size."
    )
    forget_bias: Annotated[float | None, Only("cell", with_keeping_gate)] = Field(
        default=None,
        ge=-100,
        le=100,
        description="Initial bias of an LSTM's forget gates or a GRU's update gates.  [default: 1 for LSTMs, "
        "0 for GRUs]",
    )
    hidden_size: Annotated[int, _OF_NETWORKS] = Field(
        default=192, ge=1, le=65536, description="Units in each layer; chosen for a --budget."
    )
    num_layers: Annotated[int, _OF_NETWORKS] = Field(default=2, ge=1, le=256, description="Recurrent or hidden layers.")
    embedding_size: Annotated[int | None, _OF_NETWORKS] = Field(
        default=None,
        ge=1,
        le=65536,
        description="Numbers in a symbol's embedding.  [default: as --hidden-size; 64 in an mlp]",
    )
    dropout: Annotated[Probability | None, _OF_NETWORKS] = Field(
        default=None,
        description="Dropout on the embedding, between layers and before the output.  "
        "[default: 0.05 to 0.25, the more epochs the more]",
    )
    embedding_dropout: Annotated[Probability | None, _OF_NETWORKS] = Field(
        default=None, description="Dropout on the embedding alone.  [default: as --dropout]"
    )
    layer_dropout: Annotated[Probability | None, _OF_NETWORKS] = Field(
        default=None, description="Dropout between layers alone.  [default: as --dropout]"
    )
    output_dropout: Annotated[Probability | None, _OF_NETWORKS] = Field(
        default=None, description="Dropout before the output alone.  [default: as --dropout]"
    )
    dropout_kind: Annotated[Literal["element", "variational"], _OF_NETWORKS] = Field(
        default="variational",
        description="A new mask at every position, or one mask for a whole window (Gal and Ghahramani 2016).",
    )
    residual: Annotated[bool, _OF_NETWORKS] = Field(
        default=True, description="Add a layer's input to its output where the sizes agree."
    )
    tie_weights: Annotated[bool, _OF_RECURRENT] = Field(
        default=False, description="Use the embedding as output weights (needs embedding size = hidden size)."
    )
    layer_norm: Annotated[bool, _OF_NETWORKS] = Field(
        default=False, description="Normalise each layer's output (LayerNorm)."
    )

    mix: Annotated[
        Annotated[InstanceOf[Mix], BeforeValidator(parse_mix), PlainSerializer(str)] | None, _OF_NETWORKS
    ] = Field(
        default=None,
        description="Mix the network with an n-gram model of the text; a learnt gate weights them at every "
        "symbol. ngram:K for order K, or none.  [default: with --budget ngram:8 where it helps "
        "on the validation text, else none]",
    )

    @model_validator(mode="after")
    def _tied_sizes_agree(self) -> Self:
        if self.tie_weights and self.embedding_size not in (None, self.hidden_size):
            raise ValueError(
                f"tie_weights needs embedding_size = hidden_size, not {self.embedding_size} and {self.hidden_size}"
            )
        return self

    @property
    def mixed_order(self) -> int | None:
        """The order of the n-gram model that is mixed in; None without one."""
        return None if self.mix is None else self.mix.order
