"""Which models `charlm compare` trains."""

from typing import Literal

from charlm.config.section import Section, setting


class ComparisonConfig(Section):
    """Which models are compared, and what they have in common."""

    models: str = setting(
        "ngram:5,mlp,rnn,gru,lstm",
        min_length=1,
        help="Models with commas: recurrent cells, mlp, mlp:K with window K, ngram:K with order K.",
    )
    layers: str = setting(
        "1,2,3",
        pattern=r"^[1-9]\d{0,2}(,[1-9]\d{0,2})*$",
        help="Numbers of layers with commas; n-gram models have none.",
    )
    match: Literal["time", "parameters"] = setting(
        "time",
        help="time: each model has the same --budget, and its sizes are chosen for it. parameters: "
        "each model has as many weights as the first one with --hidden-size units, and the same "
        "--epochs or --steps.",
    )
    sizes: str | None = setting(
        None,
        pattern=r"^[1-9]\d{0,4}(,[1-9]\d{0,4})*$",
        help="With --match parameters, numbers of units of the first model with commas; each gives "
        "one size of every model.  [default: --hidden-size]",
    )
    karpathy: bool = setting(
        False,
        help="The protocol of Karpathy, Johnson and Fei-Fei (2015): split 80/10/10, equal parameters, "
        "cross-entropy on the test part.",
    )
