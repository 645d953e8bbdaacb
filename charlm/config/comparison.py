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
            description="Equal time: each gets the same --budget and chooses its sizes. Equal parameters: widths are "
            "chosen so all have as many weights as the first with --hidden-size units; all get --epochs or --steps."
        ),
    ] = "time"
    sizes: Annotated[
        str | None,
        Field(
            pattern=r"^[1-9]\d{0,4}(,[1-9]\d{0,4})*$",
            description="With equal parameters, units of the first with commas: every model comes in as many sizes.  "
            "[default: --hidden-size]",
        ),
    ] = None
    karpathy: Annotated[
        bool,
        Field(
            description="The protocol of Karpathy, Johnson and Fei-Fei (2015): split 80/10/10, equal parameters, "
            "cross-entropy on the test part."
        ),
    ] = False
