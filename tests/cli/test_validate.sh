#!/bin/bash
# test_validate.sh LLMSIM TOP: a run beside a measured one. What llmsim itself has written with
# --requests is a measured log too.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refuses TEXT ARGUMENT...: llmsim validate so ends with status 2 and says the text, in one line.
refuses() {
    expect_refusal 2 "$1" validate "${@:2}"
}

# figure FILE KEY...: a value of a JSON file.
figure() {
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

# holds EXPRESSION: of Python.
holds() { python3 -c "import sys; sys.exit(not ($1))"; }

cat >base.yaml <<END
model: $top/configs/models/llama-3.1-8b.yaml
accelerator: $top/configs/accelerators/rtx-4090.yaml
engine: {max_num_seqs: 32, max_model_len: 10000}
workload:
  arrivals: {process: poisson, rate: 6}
  prompt_tokens: {distribution: lognormal, mean: 600, median: 400, max: 8000}
  output_tokens: {distribution: lognormal, mean: 60, median: 40, max: 2000}
  num_requests: 300
END
"$llmsim" base.yaml -q --requests measured.csv >/dev/null
"$llmsim" trace generate base.yaml -o trace.csv 2>/dev/null
sed '/^workload/,$d' base.yaml >replay.yaml
echo 'workload: {trace: trace.csv}' >>replay.yaml

# --- the same run has no error at all

"$llmsim" validate replay.yaml --measured measured.csv --json same.json >same.txt 2>stderr
expect 'the trace is replayed' test "$(figure same.json replayed)" = trace
for metric in ttft tpot e2e; do
    for figure in mean median p90 p95 p99; do
        expect "no error of $figure $metric" holds "abs($(figure same.json all $metric ${figure}_ms error_pct)) < 1e-9"
    done
    expect "no MAPE of $metric" holds "abs($(figure same.json all $metric mape_pct)) < 1e-9"
done
expect 'the makespan is the same' holds "$(figure same.json measured makespan_s) == $(figure same.json predicted makespan_s)"
expect 'the parts are all' holds "$(figure same.json queued e2e requests) + $(figure same.json unqueued e2e requests) == 300"
expect 'some queue and some do not' holds "0 < $(figure same.json queued e2e requests) < 300"
expect 'no note' holds "$(figure same.json notes) == []"
expect 'no part is off' grep -qF 'Verdict         no part is off by more than 1 %' same.txt
expect 'nothing on stderr' test ! -s stderr
"$llmsim" base.yaml -q --json base.json >/dev/null
expect 'means are those of the run' holds "abs($(figure same.json all ttft mean_ms predicted) - $(figure base.json mean_ttft_ms)) < 1e-6"
expect 'percentiles are too' holds "abs($(figure same.json all e2e p99_ms predicted) / $(figure base.json p99_e2el_ms) - 1) < 0.0005"

# --- another speed has

"$llmsim" validate base.yaml --measured measured.csv -s cost.speed=1.25 --json fast.json --plot fast.svg >fast.txt 2>stderr
expect 'generated traffic is not replayed, the log is' test "$(figure fast.json replayed)" = measured
expect 'a faster server: TPOT' holds "-30 < $(figure fast.json all tpot mean_ms error_pct) < -18"
expect 'a faster server: MAPE' holds "18 < $(figure fast.json all tpot mape_pct) < 30"
expect 'the parts of the error are the error' \
    holds "abs($(figure fast.json e2e_error_by_part queue_ms) + $(figure fast.json e2e_error_by_part prefill_ms) + $(figure fast.json e2e_error_by_part decode_ms) - ($(figure fast.json all e2e mean_ms predicted) - $(figure fast.json all e2e mean_ms measured))) < 1e-6"
expect 'the verdict names what dominates' grep -qE 'Verdict         the mean end-to-end latency is [0-9.]+ % too short; what dominates is' fast.txt
expect 'the picture is XML' python3 -c "import xml.dom.minidom; xml.dom.minidom.parse('fast.svg')"
"$llmsim" validate base.yaml --measured measured.csv -s cost.speed=1.25 --json again.json --plot again.svg >again.txt
for kind in json svg txt; do
    expect "the same $kind twice" cmp fast.$kind again.$kind
done
"$llmsim" validate base.yaml --measured measured.csv --plot fast.png >/dev/null
expect 'a PNG is one' test "$(head -c 4 fast.png | tail -c 3)" = PNG
"$llmsim" validate base.yaml --measured - --json - <measured.csv >stdin.json
expect 'from stdin, to stdout' holds "$(figure stdin.json requests) == 300"

# --- without times of scheduling, what queued is by the simulation, and the parts are an estimate

cut -d, -f2,3,4,9,11 measured.csv >short.csv
"$llmsim" validate replay.yaml --measured short.csv --json short.json -s cost.speed=1.1 >short.txt
expect 'queued as predicted' test "$(figure short.json queued_by)" = predicted
expect 'an estimate' test "$(figure short.json e2e_error_by_part estimated)" = True
expect 'is said to be one' grep -qF 'queue and prefill are an estimate' short.txt

# --- a trace of other requests is not replayed

head -n 200 trace.csv >part.csv
"$llmsim" validate replay.yaml -s workload.trace=part.csv --measured measured.csv --json part.json >/dev/null 2>stderr
expect 'it is said' grep -qF 'warning: the trace has 199 requests, measured were 300' stderr
expect 'the log is replayed' test "$(figure part.json replayed)" = measured
"$llmsim" validate replay.yaml -s workload.prompt_scale=2 --measured measured.csv >/dev/null 2>stderr
expect 'other lengths' grep -qE 'warning: request 1 of the trace has [0-9]+ and [0-9]+ tokens, the measured one' stderr
"$llmsim" validate replay.yaml -s workload.rate_scale=2 --measured measured.csv >rate.txt 2>stderr
expect 'other arrivals' grep -qE 'Note            arrivals of the trace and of the log differ by up to [0-9]+\.[0-9]+ s' rate.txt

# --- what is of single runs is not used, and that is said

"$llmsim" validate replay.yaml --measured measured.csv -s metrics.warmup='5 s' -s output.json=x.json >/dev/null 2>stderr
expect 'the warm-up' grep -qF 'warning: metrics.warmup is not used here' stderr
expect 'the output' grep -qF 'warning: the output section is of single runs' stderr
expect 'is not written' test ! -e x.json

# --- refusals

refuses 'no measured log given' base.yaml
refuses 'no configuration given' --measured measured.csv
refuses 'nothing.csv: cannot be opened' base.yaml --measured nothing.csv
refuses "a picture's name ends in .svg or .png" base.yaml --measured measured.csv --plot x.gif
refuses 'would overwrite measured.csv' base.yaml --measured measured.csv --json measured.csv
refuses 'cannot hold both' base.yaml --measured measured.csv --json x.svg --plot x.svg
refuses 'the simulation rejects every measured request' base.yaml --measured measured.csv -s engine.max_model_len=1
refuses 'a trace from stdin' replay.yaml -s workload.trace=- --measured measured.csv
echo '{}' >bad.json
refuses 'is neither of' base.yaml --measured bad.json
expect 'no file is left' test ! -e x.svg

all_held
