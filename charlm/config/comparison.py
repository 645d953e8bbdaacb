"""Which models `charlm compare` trains."""

from typing import Annotated, Literal

from pydantic import Field

from charlm.config.section import Section


class ComparisonConfig(Section):
    """Which models are compared, and what they have in common."""

    models: Annotated[
        str,
        Field(
            min_length=1,
            description="Models with commas: recurrent cells, mlp, mlp:K with window K, ngram:K with order K.",
        ),
    ] = "ngram:5,mlp,rnn,gru,lstm"
    layers: Annotated[
        str,
        Field(
            pattern=r"^[1-9]\d{0,2}(,[1-9]\d{0,2})*$",
            description="Numbers of layers with commas; n-gram models have none.",
        ),
    ] = "1,2,3"
    match: Annotated[
        Literal["time", "parameters"],
        Field(
            description="time: each model has the same --budget, and its sizes are chosen for it. parameters: "
            "each model has as many weights as the first one with --hidden-size units, and the same "
            "--epochs or --steps."
        ),
    ] = "time"
    sizes: Annotated[
        str | None,
        Field(
            pattern=r"^[1-9]\d{0,4}(,[1-9]\d{0,4})*$",
            description="With --match parameters, numbers of units of the first model with commas; each gives "
            "one size of every model.  [default: --hidden-size]",
        ),
    ] = None
    karpathy: Annotated[
        bool,
        Field(
            description="The protocol of Karpathy, Johnson and Fei-Fei (2015): split 80/10/10, equal parameters, "
            "cross-entropy on the test part."
        ),
    ] = False
