#!/bin/bash
# test_sweep.sh LLMSIM TOP: sweeps: every combination a row that is the run of its own, whatever the threads and
# the interruptions.
set -u
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

# expect NAME COMMAND...: the command succeeds.
expect() {
    local name=$1
    shift
    if "$@" >expect.log 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n' "$name" "$(head -n 5 expect.log)"
    fi
}

# refuses TEXT ARGUMENT...: llmsim sweep so ends with status 2 and says the text, in one line.
refuses() {
    local text=$1
    shift
    "$llmsim" sweep "$@" >stdout 2>stderr </dev/null
    local got=$?
    expect "status of $*" test $got = 2
    expect "'$text' of $*" grep -qF -- "$text" stderr
    expect "one line of $*" test "$(wc -l <stderr)" = 1
    expect "no result of $*" test ! -s stdout
}

# refuses_plan TEXT PLAN: so does this file.
refuses_plan() {
    printf '%b' "$2" >bad.yaml
    refuses "$1" bad.yaml
}

cat >base.yaml <<END
model: $top/configs/models/llama-2-7b.yaml
accelerator: $top/configs/accelerators/a100-sxm-80gb.yaml
workload:
  arrivals: {process: poisson, rate: 8}
  prompt_tokens: {distribution: lognormal, mean: 600, median: 400, max: 3000}
  output_tokens: {distribution: lognormal, mean: 100, median: 60, max: 1000}
  num_requests: 1500
END
cat >sweep.yaml <<END
base: base.yaml
sweep:
  engine.max_num_seqs: [8, 32]
  workload.arrivals.rate: {from: 2, to: 8, count: 3, scale: log}
linked:
  - {engine.scheduler: [vllm, vllm, sarathi], engine.max_num_batched_tokens: [512, 2048, 512]}
exclude:
  - {engine.max_num_seqs: 8, engine.scheduler: sarathi}
  - {workload.arrivals.rate: 4, engine.max_num_batched_tokens: 2048}
END

# --- the same rows whatever the threads, and each the run it says

"$llmsim" sweep sweep.yaml -j 1 -o one.csv -q
expect 'a sweep' test -s one.csv
for threads in 2 7; do
    "$llmsim" sweep sweep.yaml -j $threads -o many.csv -q
    expect "$threads threads" cmp one.csv many.csv
done
"$llmsim" sweep sweep.yaml -q >stdout.csv
expect 'to stdout' cmp one.csv stdout.csv
"$llmsim" sweep sweep.yaml -q -o rows.jsonl
expect 'rows, values, exclusions, JSON' python3 - <<'END'
import csv, json
rows = list(csv.DictReader(open("one.csv")))
lines = [json.loads(line) for line in open("rows.jsonl")]
wanted = [(seqs, rate, *pair) for seqs in ("8", "32") for rate in ("2", "4", "8")
          for pair in (("vllm", "512"), ("vllm", "2048"), ("sarathi", "512"))
          if not (seqs == "8" and pair[0] == "sarathi") and not (rate == "4" and pair[1] == "2048")]
keys = ("engine.max_num_seqs", "workload.arrivals.rate", "engine.scheduler", "engine.max_num_batched_tokens")
assert [tuple(row[key] for key in keys) for row in rows] == wanted
assert [row["run"] for row in rows] == [str(i) for i in range(len(wanted))]
for row, line in zip(rows, lines):
    assert row["status"] == line["status"] == "done" and row["error"] == "" and line["error"] is None
    assert row["digest"] == line["digest"] and abs(float(row["mean_ttft_ms"]) - line["mean_ttft_ms"]) < 1e-5
    assert tuple(line["values"][key] for key in keys) == tuple(row[key] for key in keys)
END
for run in 0 5 9; do
    mapfile -t fields < <(python3 -c 'import csv, sys
row = list(csv.DictReader(open("one.csv")))[int(sys.argv[1])]
for key in ("engine.max_num_seqs", "workload.arrivals.rate", "engine.scheduler", "engine.max_num_batched_tokens"):
    print("-s" + key + "=" + row[key])
print(row["digest"])' $run)
    expect "row $run is the run" grep -q "^Digest *${fields[4]}" <("$llmsim" base.yaml -q "${fields[@]:0:4}")
done
"$llmsim" sweep sweep.yaml -q -s workload.num_requests=20 --seed 3 -o few.csv
expect 'overrides are of the base' python3 -c 'import csv, sys
sys.exit(not all(row["completed"] == "20" for row in csv.DictReader(open("few.csv"))))'

# --- a run that fails is a row, and warnings are said once

printf 'base: base.yaml\nsweep: {engine.tensor_parallel_size: [1, 3, 2]}\n' >failing.yaml
"$llmsim" sweep failing.yaml -o failing.csv 2>stderr
expect 'it is not the end' test $? = 0
expect 'it is a row with its reason' python3 -c 'import csv, sys
rows = list(csv.DictReader(open("failing.csv")))
sys.exit(not ([row["status"] for row in rows] == ["done", "failed", "done"] and "tensor_parallel_size" in rows[1]["error"] and rows[1]["mean_ttft_ms"] == ""))'
expect 'it is counted' grep -q '^3 runs (0 done before), 1 failed' stderr
"$llmsim" sweep sweep.yaml -s engine.max_model_len=100000 -o warned.csv 2>stderr
expect 'a warning once' test "$(grep -c 'warning: max_model_len' stderr)" = 1

"$llmsim" sweep failing.yaml -q -s metrics.replications=3 -s output.json=x.json -o plain.csv 2>stderr
expect 'what a sweep does not do is said' test "$(grep -c '^warning: .*\(replications\|output section\)' stderr)" = 2
expect 'and not done' test ! -e x.json

# --- killed, and gone on with: twenty times

interrupted=0
for try in $(seq 20); do
    rm -f killed.csv killed.csv.partial
    "$llmsim" sweep sweep.yaml -j 2 -o killed.csv -q &
    sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    if [ ! -e killed.csv ] || [ -e killed.csv.partial ]; then
        interrupted=$((interrupted + 1))
        "$llmsim" sweep sweep.yaml -j 2 -o killed.csv -q --resume
    fi
    expect "the same after an interruption, $try" cmp one.csv killed.csv
    expect "nothing is left, $try" test ! -e killed.csv.partial
done
expect 'some were interrupted' test $interrupted -gt 0
# In the middle of a line, before its mark was written, and with all rows but for the file's appearing.
"$llmsim" sweep sweep.yaml -j 2 -o cut.csv -q &
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
: >cut.csv.partial
"$llmsim" sweep sweep.yaml -o cut.csv -q --resume
expect 'before the mark' cmp one.csv cut.csv
"$llmsim" sweep sweep.yaml -o mark.csv -j 1 -q &
while [ ! -s mark.csv.partial ] && kill -0 $! 2>/dev/null; do :; done
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
expect 'a mark is written first' test -s mark.csv.partial
marked=whole.partial
{ head -n 1 mark.csv.partial; cat one.csv; } >$marked
if head -n 1 $marked | grep -q '^# llmsim sweep'; then
    for bytes in 40 900 3000; do
        rm -f cut.csv
        head -c $bytes "$marked" >cut.csv.partial
        "$llmsim" sweep sweep.yaml -o cut.csv -q --resume
        expect "cut after $bytes bytes" cmp one.csv cut.csv
    done
    rm -f cut.csv
    cp "$marked" cut.csv.partial
    "$llmsim" sweep sweep.yaml -o cut.csv --resume 2>stderr
    expect 'all rows were there' cmp one.csv cut.csv
fi

# --- refusals

"$llmsim" sweep sweep.yaml -o left.csv -q &
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
[ -e left.csv.partial ] || echo '# llmsim sweep 0123456789abcdef' >left.csv.partial
refuses 'is of a sweep that was interrupted: --resume goes on with it' sweep.yaml -o left.csv
echo '# llmsim sweep 0123456789abcdef' >left.csv.partial
refuses 'is not of this sweep' sweep.yaml -o left.csv --resume
refuses '--resume needs -o FILE' sweep.yaml --resume
refuses 'no sweep given'
refuses '-j 0: 1 to 256 runs at a time' sweep.yaml -j 0
refuses 'nothing.yaml: cannot be opened' nothing.yaml
refuses_plan "bad.yaml:1:1: 'base' names the configuration" 'sweep: {seed: [1]}'
refuses_plan "no axis: 'sweep' is missing" 'base: base.yaml'
refuses_plan "bad.yaml:2:1: unknown key 'axes' in a sweep" 'base: base.yaml\naxes: {seed: [1]}'
refuses_plan "bad.yaml:2:15: 'seed' takes a list, [8, 16], or a range" 'base: base.yaml\nsweep: {seed: 4}'
refuses_plan "'seed' takes a list of 1 to 10000 values, not of 0" 'base: base.yaml\nsweep: {seed: []}'
refuses_plan "'count' must be between 2 and 10000" 'base: base.yaml\nsweep: {seed: {from: 1, to: 2, count: 1}}'
refuses_plan 'a logarithmic range is of numbers above 0' 'base: base.yaml\nsweep: {seed: {from: 0, to: 2, count: 3, scale: log}}'
refuses_plan "'seed' is swept twice" 'base: base.yaml\nsweep: {seed: [1]}\nlinked: [{seed: [2]}]'
refuses_plan "linked keys have as many values each: 'seed' has 2, 'engine.block_size' 1" 'base: base.yaml\nlinked: [{seed: [2, 3], engine.block_size: [16]}]'
refuses_plan "'engine.blocksize' is no key of the sweep" 'base: base.yaml\nsweep: {engine.block_size: [16]}\nexclude: [{engine.blocksize: 16}]'
refuses_plan 'every combination is excluded' 'base: base.yaml\nsweep: {seed: [1]}\nexclude: [{seed: 1}]'
refuses_plan 'more than 100000 combinations' 'base: base.yaml\nsweep: {seed: {from: 1, to: 2, count: 10000}, engine.block_size: {from: 1, to: 2, count: 11}}'
refuses_plan 'a value of a sweep is a number or a text' 'base: base.yaml\nsweep: {seed: [[1]]}'

echo "$passed passed, $failed failed"
[ $failed = 0 ]
