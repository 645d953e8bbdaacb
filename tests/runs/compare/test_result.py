from charlm.runs.compare.result import VariantResult, markdown


def test_the_table_has_a_column_a_model_and_a_row_a_depth():
    results = [
        VariantResult("ngram-5", "ngram:5", None, test=2.5),
        VariantResult("lstm-1", "lstm", 1, test=2.0),
        VariantResult("lstm-2", "lstm", 2, validation=1.9),
        VariantResult("gru-2", "gru", 2, error="It diverged."),
    ]
    first, _, one, two = markdown(results).splitlines()[:4]
    assert first == "| bits/char | ngram:5 | lstm | gru |"
    assert one == "| 1 layer | 2.5000 | 2.0000 |  |"
    assert two == "| 2 layers |  | 1.9000 |  |"
    assert markdown(results).splitlines()[-1].endswith("| It diverged. |")
