"""`model`: its kind, shape and regularisation."""

from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, model_validator

from charlm.cells import standing_alone, with_keeping_gate, with_setting
from charlm.config.section import Only, Search, Section, setting
from charlm.config.types import CellName, Feedback, Init, Mixing, ModelKind, Nonlinearity, Probability, Width
from charlm.notation import Mix, parse_mix
from charlm.tasks import Direction

_OF_NETWORKS = Only("model", ("recurrent", "mlp"))
_OF_RECURRENT = Only("model", ("recurrent",))
_OF_WINDOWS = Only("model", ("mlp",))
_OF_NGRAMS = Only("model", ("ngram",))
_OF_NGRAMS_ALONE = Only(
    "model", ("ngram",), "beside a network all n-grams are kept, and a lower order, as in --mix ngram:5, has fewer"
)


class ModelConfig(Section):
    """What kind of model, its shape and its regularisation."""

    model: ModelKind = setting(
        "recurrent",
        help="A recurrent network; a feed-forward network that reads the last --window symbols; or an "
        "n-gram model, which takes seconds to count.",
    )
    window: Annotated[int, _OF_WINDOWS] = setting(8, ge=1, le=1024, help="Symbols that the feed-forward network reads.")
    order: Annotated[int, _OF_NGRAMS] = setting(7, ge=1, le=24, help="Length of an n-gram model's longest n-grams.")
    smoothing: Annotated[Literal["kneser-ney", "witten-bell"], _OF_NGRAMS] = setting(
        "kneser-ney", help="How an n-gram model mixes its orders: modified Kneser-Ney, or Witten-Bell."
    )
    prune: Annotated[int | None, _OF_NGRAMS_ALONE] = setting(
        None,
        ge=1,
        le=1_000_000,
        help="Drop n-grams of four symbols and more that occur at most so often; shorter ones take their place.",
    )
    cell: Annotated[CellName, _OF_RECURRENT, Search(values=("lstm", "gru"))] = setting("lstm", help="Recurrent cell.")
    nonlinearity: Annotated[Nonlinearity, Only("cell", partial(with_setting, "nonlinearity"))] = setting(
        "tanh", help="Activation of the rnn and jordan cells (the others have their own)."
    )
    feedback: Annotated[Feedback, Only("cell", partial(with_setting, "feedback"))] = setting(
        "output", help="Feedback of a jordan cell: its last output distribution, or the true symbol (teacher forcing)."
    )
    init: Annotated[Init, _OF_RECURRENT, Only("cell", standing_alone)] = setting(
        "default",
        help="Initial recurrent matrices: orthogonal for each gate (default and orthogonal), the "
        "identity (Le et al. 2015), or gaussian with variance --init-variance / hidden size.",
    )
    init_variance: Annotated[float, Only("init", ("gaussian",))] = setting(
        1.0, gt=0, le=1000, help="Variance of gaussian recurrent matrices, times the hidden size."
    )
    forget_bias: Annotated[float | None, Only("cell", with_keeping_gate)] = setting(
        None,
        ge=-100,
        le=100,
        help="Initial bias of an LSTM's forget gates or a GRU's update gates.  [default: 1 for LSTMs, 0 for GRUs]",
    )
    direction: Annotated[Direction | None, _OF_RECURRENT, Only("cell", standing_alone)] = setting(
        None,
        help="How a --task reads its examples: forward, or in both directions, each with layers of its own.  "
        "[default: both; forward with --attention none]",
    )
    attention: Annotated[Literal["gnmt", "luong", "none"] | None, _OF_RECURRENT] = setting(
        None,
        help="What a decoder of --task transduce sees of what was read: all of it, weighted, for one more recurrent "
        "layer (Wu et al. 2016) or for its outputs alone (Luong et al. 2015), or only the encoder's last state "
        "(Sutskever et al. 2014).  "
        "[default: gnmt]",
    )
    label_ngrams: Annotated[Literal["hashed", "none"] | None, _OF_RECURRENT] = setting(
        None,
        help="What weighs beside a classifier's network: n-grams of one to four symbols, each with a weight for each "
        "label (Joulin et al. 2017), or none.  [default: hashed with --task classify]",
    )
    hidden_size: Annotated[Width, _OF_NETWORKS, Search(around=2, multiple=16)] = setting(
        192, help="Units in each layer; chosen for a --budget."
    )
    num_layers: Annotated[int, _OF_NETWORKS, Search(low=1, high=3)] = setting(
        2, ge=1, le=256, help="Recurrent or hidden layers."
    )
    embedding_size: Annotated[Width | None, _OF_NETWORKS] = setting(
        None, help="Numbers in a symbol's embedding.  [default: as --hidden-size; 64 in an mlp]"
    )
    dropout: Annotated[Probability | None, _OF_NETWORKS, Search(low=0, high=0.4)] = setting(
        None,
        help="Dropout on the embedding, between layers and before the output.  "
        "[default: 0 to 0.4, by the number of weights and of epochs]",
    )
    embedding_dropout: Annotated[Probability | None, _OF_NETWORKS] = setting(
        None, help="Dropout on the embedding alone.  [default: as --dropout]"
    )
    layer_dropout: Annotated[Probability | None, _OF_NETWORKS] = setting(
        None, help="Dropout between layers alone.  [default: as --dropout]"
    )
    output_dropout: Annotated[Probability | None, _OF_NETWORKS] = setting(
        None, help="Dropout before the output alone.  [default: as --dropout]"
    )
    weight_drop: Annotated[Probability | None, _OF_RECURRENT, Only("cell", standing_alone)] = setting(
        None,
        help="Dropout of recurrent weights, one mask for a whole window (Merity et al. 2018).  [default: none]",
    )
    dropout_kind: Annotated[Literal["element", "variational"], _OF_NETWORKS] = setting(
        "variational", help="A new mask at every position, or one mask for a whole window (Gal and Ghahramani 2016)."
    )
    residual: Annotated[bool, _OF_NETWORKS] = setting(
        True, help="Add a layer's input to its output where the sizes agree."
    )
    tie_weights: Annotated[bool, _OF_RECURRENT] = setting(
        False, help="Use the embedding as output weights (needs embedding size = hidden size)."
    )
    layer_norm: Annotated[bool, _OF_NETWORKS] = setting(False, help="Normalise each layer's output (LayerNorm).")

    mix: Annotated[
        Annotated[InstanceOf[Mix], BeforeValidator(parse_mix), PlainSerializer(str)] | None,
        _OF_NETWORKS,
        Search(values=("none",)),
    ] = setting(
        None,
        help="Mix the network with an n-gram model of the text; a learnt gate weights them at every "
        "symbol. ngram:K for order K, or none.  [default: with --budget ngram:8 where it helps "
        "on the validation text, else none]",
    )

    mixing: Annotated[Mixing | None, _OF_NETWORKS, Search(values=("log-linear", "linear"))] = setting(
        None,
        help="How --mix puts both together: p ~ p_network^a p_ngrams^b with learnt weights, or a p_network + "
        "(1 - a) p_ngrams with a learnt share.  [default: log-linear; linear in runs that do not say it]",
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

    @property
    def known_mixing(self) -> Mixing:
        """How both are put together; runs of before there was a choice do not say it."""
        return self.mixing or "linear"
