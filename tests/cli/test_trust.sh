#!/bin/bash
# test_trust.sh LLMSIM TOP: warm-up, intervals, replications, sensitivity and the verdict on the load,
# from the command line.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# says TEXT ARGUMENT...: llmsim so prints the text.
says() {
    local text=$1
    shift
    "$llmsim" "$@" >stdout 2>stderr </dev/null
    expect "$* says '$text'" grep -qF -- "$text" stdout
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

cat >queue.yaml <<END
model: $top/configs/models/llama-2-7b.yaml
accelerator: $top/configs/accelerators/a100-sxm-80gb.yaml
engine: {max_num_seqs: 1, enable_prefix_caching: false}
cost: {model: linear, base: 100 ms}
workload:
  arrivals: {process: poisson, rate: 5}
  prompt_tokens: {distribution: constant, value: 10}
  output_tokens: {distribution: constant, value: 1}
  num_requests: 4000
slo: {ttft: 300 ms}
END

# --- the verdict

says 'Load            stable: no room for one more 4' queue.yaml -q
says 'Load            overloaded: 13.' queue.yaml -q -s workload.arrivals.rate=14
says 'Load            saturated: ' queue.yaml -q -s workload.arrivals='{process: closed, concurrency: 20}'
says 'Load            unknown' queue.yaml -q -s workload.num_requests=10

# --- warm-up

"$llmsim" queue.yaml -q --json whole.json >/dev/null
"$llmsim" queue.yaml -q --json cut.json -s metrics.warmup='100 s' >/dev/null
expect 'what is cut is not counted' holds "$(figure cut.json completed) + $(figure cut.json warmup requests) == 4000"
expect 'the cut is as long as it is said' holds "$(figure cut.json warmup duration_s) == 100"
expect 'the duration is what is left' \
    holds "abs($(figure whole.json duration) - 100 - $(figure cut.json duration)) < 1e-9"
expect 'the digest is of all' test "$(figure whole.json digest)" = "$(figure cut.json digest)"
expect 'steps before it are not counted' holds "$(figure cut.json engine steps) == $(figure cut.json completed)"
says 'Requests        0 completed' queue.yaml -s metrics.warmup='1 h' -q
expect 'and it is said' grep -qF 'no request arrives after the warm-up' stderr
# A batch that fills from empty: by MSER-5 the first ones are cut.
sed 's/max_num_seqs: 1,/max_num_seqs: 64,/; s/value: 1}/value: 50}/' queue.yaml >filling.yaml
"$llmsim" filling.yaml -q --json auto.json -s metrics.warmup=auto >/dev/null
expect 'auto cuts something' holds "0 < $(figure auto.json warmup requests) < 2000"
expect 'auto is kept by --print-config' \
    grep -q 'warmup: auto' <("$llmsim" filling.yaml --print-config -s metrics.warmup=auto)
says 'Requests        4000 completed' queue.yaml -q -s metrics.warmup=auto -s workload.arrivals.rate=20
expect 'a queue that grows has no end of a warm-up' grep -qF 'no end of a warm-up was found' stderr
expect_refusal 2 "'warmup' must be a number (e.g. 50 ms) or auto, not 'never'" queue.yaml -s metrics.warmup=never
expect_refusal 2 "'warmup' is in s" queue.yaml -s metrics.warmup='3 GiB'

# --- intervals

for latency in ttft e2el; do
    expect "the mean of $latency is in its interval" \
        holds "$(figure whole.json confidence $latency mean_ms 0) < $(figure whole.json mean_${latency}_ms) < $(figure whole.json confidence $latency mean_ms 1)"
done
expect 'few samples are named' \
    test "$("$llmsim" queue.yaml -q -s workload.num_requests=300 --json few.json >/dev/null; figure few.json confidence few_samples 0)" = p99_ttft_ms

# --- replications

"$llmsim" queue.yaml -q --replications 5 --json five.json >/dev/null
mean=0
for seed in 0 1 2 3 4; do
    "$llmsim" queue.yaml -q --seed $seed --json one.json >/dev/null
    mean="$mean + $(figure one.json mean_ttft_ms)"
done
expect 'replications are the runs of these seeds' holds "abs(($mean) / 5 - $(figure five.json mean_ttft_ms)) < 1e-9"
expect 'the mean is in the interval' \
    holds "$(figure five.json replications figures mean_ttft_ms interval 0) < $(figure five.json mean_ttft_ms) < $(figure five.json replications figures mean_ttft_ms interval 1)"
says 'Replications    3 runs, seeds 2 to 4' queue.yaml -q --seed 2 -s metrics.replications=3
expect_refusal 2 'nothing in this configuration is random' queue.yaml --replications 3 -s workload.arrivals.process=constant
expect_refusal 2 "'replications' must be between 1 and 10000" queue.yaml --replications 0
expect_refusal 2 'r.csv: is of one run' queue.yaml --replications 2 --requests r.csv
expect 'no file is left' test ! -e r.csv

# --- sensitivity

"$llmsim" queue.yaml -q --sensitivity --json speeds.json >/dev/null
"$llmsim" queue.yaml -q -s cost.speed=0.95 --json slower.json >/dev/null
expect 'a row is the run at that speed' \
    holds "abs($(figure speeds.json sensitivity speeds 1 mean_ttft_ms) - $(figure slower.json mean_ttft_ms)) < 1e-6"
expect 'the capacity is that of a server that never waits' \
    holds "abs($(figure speeds.json sensitivity capacity) - 10) < 1e-6"
expect 'the load is the rate over it' \
    holds "abs($(figure speeds.json sensitivity load) - $(figure speeds.json saturation arrival_rate) / 10) < 1e-6"
says 'Knee            a server 5' queue.yaml -q --sensitivity
says 'Knee            the server would have to be' queue.yaml -q --sensitivity -s workload.arrivals.rate=20
"$llmsim" trace generate queue.yaml -o trace.csv 2>/dev/null
sed '/^workload/,/num_requests/d' queue.yaml >replay.yaml
echo 'workload: {trace: trace.csv}' >>replay.yaml
for again in --sensitivity --replications=2 '-smetrics.warmup=auto'; do
    expect_refusal 2 'a trace from stdin can be read by one run only' replay.yaml -s workload.trace=- "$again"
done

all_held
