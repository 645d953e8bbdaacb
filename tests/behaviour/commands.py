"""The commands that are observed, by name."""

SMALL = (
    "--hidden-size 8 --threads 1 --precision fp32 --evaluations 2 --batch-size 4 --sequence-length 16 --dropout 0.05"
)
CELLS = ("lstm", "lstm-peephole", "st-lstm", "gru", "gru-reset-before", "gru-simple", "rnn", "jordan")

TRAININGS = {
    **{cell: f"train text.txt --cell {cell} --steps 6 {SMALL}" for cell in CELLS},
    "bf16": f"train text.txt --cell gru --steps 4 {SMALL} --precision bf16",
    "relu": f"train text.txt --cell rnn --nonlinearity relu --init identity --steps 4 {SMALL}",
    "gaussian": f"train text.txt --cell gru --init gaussian --init-variance 2 --forget-bias 1.5 --steps 4 {SMALL}",
    "feedback": f"train text.txt --cell jordan --feedback target --num-layers 3 --layer-norm --steps 4 {SMALL}",
    "tied": f"train text.txt --tie-weights --layer-norm --no-residual --num-layers 3 --steps 4 {SMALL}",
    "guarded": f"train text.txt --average 0.9 --accumulation 2 --random-length --clip-value 0.1 --steps 9 {SMALL}",
    "dropped": f"train text.txt --dropout-kind element --embedding-dropout 0.1 --steps 6 {SMALL} --dropout 0.2",
    "forced": f"train text.txt --teacher-forcing linear:0.5 --steps 6 {SMALL}",
    "epochs": f"train text.txt --epochs 0.5 --patience 1 --evaluations 9 --keep 3 {SMALL} --learning-rate 1e-9",
    "kept": f"train text.txt --steps 8 {SMALL} --evaluations 4 --keep 3",
    "mixed": f"train text.txt --mix ngram:3 --steps 6 {SMALL}",
    "mixed-gru": f"train text.txt --mix ngram:4 --cell gru --records lines --steps 6 {SMALL}",
    "records": f"train text.txt --records lines --steps 6 {SMALL}",
    "bytes": f"train text.txt --tokenizer byte --steps 4 {SMALL}",
    "pieces": f"train text.txt --tokenizer sentencepiece --vocabulary-size 290 --steps 6 {SMALL}",
    "record-pieces": f"train text.txt --tokenizer sentencepiece --vocabulary-size 290 --records lines "
    f"--steps 4 {SMALL}",
    "ngram": "train text.txt --model ngram --order 4",
    "ngram-records": "train text.txt --model ngram --order 3 --smoothing witten-bell --records lines",
    "mlp": f"train text.txt --model mlp --window 5 --steps 6 {SMALL}",
    "parts": f"train text.txt --valid other.txt --test other.txt --steps 4 {SMALL}",
    "unsplit": f"train text.txt --split 100/0/0 --steps 4 {SMALL}",
    "tuned": "train other.txt --init-from lstm --steps 4 --batch-size 4 --sequence-length 16 --threads 1 "
    "--precision fp32",
    "tuned-mixed": "train other.txt --init-from mixed --dropout 0.1 --steps 4 --batch-size 4 --sequence-length 16 "
    "--threads 1 --precision fp32",
}
TASKS = {
    "labels": f"train labels.tsv --task classify --steps 12 {SMALL} --num-layers 2 --layer-norm --dropout 0.1 "
    "--label-ngrams none",
    "labels-gru": f"train labels.ft --layout fasttext --task classify --cell gru --direction forward --steps 6 {SMALL} "
    "--label-ngrams none --dropout 0.05",
    "tags": f"train tags.txt --task tag --steps 12 {SMALL}",
    "conditions": f"train labels.tsv --task generate --swap --steps 12 {SMALL}",
    "answers": f"train answers.tsv --task transduce --target-symbols spaces --num-layers 2 --steps 12 {SMALL}",
    "answers-gru": f"train answers.tsv --task transduce --attention none --direction both --cell gru --steps 6 {SMALL}",
    "tuned-labels": "train labels.tsv --task classify --init-from lstm --steps 6 --batch-size 4 --threads 1 "
    "--precision fp32 --label-ngrams none --dropout 0.05",
    "tuned-conditions": "train labels.tsv --task generate --swap --init-from records --steps 6 --batch-size 4 "
    "--threads 1 --precision fp32",
}
TASK_QUESTIONS = {
    "labels-ranked": "predict labels words.txt --probabilities",
    "labels-json": "predict labels-gru words.txt --json",
    "tag-sentences": "predict tags words.txt --sentences",
    "longer-answers": "train --resume answers --steps 16 --json --quiet",
    "beam-answers": "predict answers words.txt --beam 2 --json",
    "written": "sample conditions --condition vowel --seed 1 --num-samples 2 --json",
    "nothing-written": "sample conditions --seed 1",
    "no-such-beam": "predict labels words.txt --beam 2",
    "no-labels": "eval perplexity labels",
    "no-text-of-labels": "sample labels",
    "columns-of-labels": "train tags.txt --task classify --steps 1",
}
LATER = {
    "longer": "train --resume lstm --steps 12",
    "longer-mixed": "train --resume mixed --steps 9",
    "longer-records": "train --resume records --epochs 0.9",
    "longer-average": "train --resume guarded --steps 12",
    "from-state": "train --resume checkpoints/kept/step-4.safetensors",
    "compare": f"compare text.txt --models ngram:3,mlp:4,rnn,lstm --layers 1,2 --match parameters --steps 3 "
    f"--name grid {SMALL} --json",
    "compare-again": f"compare text.txt --models ngram:3,mlp:4,rnn,lstm --layers 1,2 --match parameters --steps 3 "
    f"--name grid {SMALL} --json",
    "sizes": f"compare text.txt --models gru,rnn --layers 1 --sizes 6,12 --match parameters --steps 2 --name sizes "
    f"{SMALL} --json",
}
QUESTIONS = {
    "score-valid": "eval perplexity lstm --split valid --json",
    "score-text": "eval perplexity lstm other.txt --json",
    "score-cold": "eval perplexity gru --context 16 --json",
    "score-int8": "eval perplexity lstm --weights int8 --json",
    "score-alone": "eval perplexity checkpoints/mixed/best.safetensors other.txt --json",
    "exposure": "eval exposure lstm --prefix 8 --positions 5 --texts 4 --json",
    "gates": "inspect gates gru --symbols 320 --json",
    "gradients": "inspect gradients text.txt --cells rnn,lstm --lags 5 --train-steps 2 --hidden-size 6 --json",
    "agreement": "inspect agreement --cells rnn,gru --train-steps 3 --sentences 100 --questions 5 --longest 2 --json",
    "activations": "inspect activations --units 8 --symbols 5 --json",
    "prompted": "sample lstm --prompt ta --seed 3 --length 40 --temperature 0 --json",
    "several": "sample mixed --seed 3 --length 30 --num-samples 3 --top-k 5 --json",
    "nucleus": "sample pieces --seed 5 --length 30 --top-p 0.9 --min-p 0.01 --stop e --json",
    "record": "sample records --seed 2 --length 0 --json",
    "int8": "sample gru --seed 2 --length 20 --weights int8 --json",
    "shown": "data show text.txt",
    "prepared": "data prepare text.txt --tokenizer byte --quiet",
    "arpa": "export arpa ngram -o ngram.arpa",
    "arpa-of-network": "export arpa lstm",
    "dry": "train text.txt --dry-run --steps 9 --cell gru --threads 1 --precision fp32",
    "info": "info lstm --json",
    "info-ngram": "info ngram --json",
    "info-mixed": "info checkpoints/mixed --json",
    "verify": "verify kept --json",
    "verify-ngram": "verify ngram --json",
    "taken": f"train text.txt --name lstm --steps 2 {SMALL}",
    "finished": "train --resume lstm",
    "finished-ngram": "train --resume ngram",
    "shorter": "train --resume lstm --steps 3",
    "no-run": "sample nothing-here",
    "no-text": "train",
    "no-file": "train nothing-here.txt",
    "unknown-option": "train text.txt --no-such-option",
    "bad-value": "train text.txt --hidden-size 0",
    "not-suited": "train text.txt --cell lstm --window 4",
    "two-lengths": "train text.txt --steps 3 --epochs 2",
    "trained-counts": "train text.txt --model ngram --steps 5",
    "other-cell": "train other.txt --init-from lstm --cell gru --steps 2",
    "mixed-forcing": "train text.txt --mix ngram:3 --teacher-forcing linear:0.5 --steps 2",
    "not-free": "train --resume lstm --hidden-size 9",
    "exposure-of-records": "eval exposure records",
    "gates-of-mlp": "inspect gates mlp",
    "too-long-order": "train text.txt --model ngram --order 24 --split 1/98/1",
    "one-size": "compare text.txt --models lstm --match time --steps 3",
    "unknown-model": "compare text.txt --models nothing --match parameters --steps 3",
}
