"""The best loss of a run of an older charlm, which did not charge for which character an unknown symbol stands for."""

from charlm.data.corpus import EncodedCorpus
from charlm.evaluation.accounting import make_score
from charlm.training.state import Progress


def charge_unknown(progress: Progress, corpus: EncodedCorpus) -> None:
    """Adds that charge to the best loss so far, where it is missing, so that later losses compare with it.

    The validation text has so many unknown symbols under every model: the charge is the same at every evaluation.
    """
    if progress.charges_unknown:
        return
    progress.charges_unknown = True
    if progress.best_nats is not None and corpus.valid is not None:
        progress.best_nats += make_score(0.0, corpus.valid, corpus.tokenizer).nats_per_symbol
