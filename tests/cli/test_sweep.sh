#!/bin/bash
# test_sweep.sh LLMSIM TOP: sweeps: every combination a row that is the run of its own, whatever the threads and
# the interruptions.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refuses TEXT ARGUMENT...: llmsim sweep so ends with status 2 and says the text, in one line.
refuses() {
    expect_refusal 2 "$1" sweep "${@:2}"
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
: >cut.csv.partial
"$llmsim" sweep sweep.yaml -o cut.csv -q --resume
expect 'before the mark' cmp one.csv cut.csv
"$llmsim" sweep sweep.yaml --shard 2/2 -o even -q
"$llmsim" sweep sweep.yaml --shard 1/2 -o odd -q
{ cat odd; tail -n +2 even; } >whole
for bytes in 40 900 3000 9000 "$(stat -c %s whole)"; do
    rm -f cut.csv
    head -c "$bytes" whole >cut.csv.partial
    "$llmsim" sweep sweep.yaml -o cut.csv -q --resume
    expect "cut after $bytes bytes" cmp one.csv cut.csv
done
cp whole cut.csv.partial
"$llmsim" sweep sweep.yaml -o cut.csv --resume 2>stderr
expect 'all rows were there' grep -q '^13 runs (13 done before), 0 failed' stderr

# --- shards, and what they come to

for shard in 5 2 4 1 3; do
    "$llmsim" sweep sweep.yaml --shard $shard/5 -o shard$shard -q
done
"$llmsim" sweep --merge shard? -o merged.csv
expect 'shards are the whole' cmp one.csv merged.csv
"$llmsim" sweep --merge shard5 shard1 shard3 shard2 shard4 shard1 -o merged.jsonl >front
cp front trade_off
expect 'in any order, and twice, as JSON' cmp rows.jsonl merged.jsonl
"$llmsim" sweep --merge shard? | cmp one.csv - >/dev/null
expect 'to stdout' test $? = 0
"$llmsim" sweep sweep.yaml --shard 3/5 -o again -q &
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
"$llmsim" sweep sweep.yaml --shard 3/5 -o again -q --resume
expect 'a shard goes on too' cmp <(sort shard3) <(sort again)
"$llmsim" sweep sweep.yaml --shard 14/14 -o empty -q
expect 'a shard without runs' test "$(wc -l <empty)" = 1
expect 'the front is of runs that are not overloaded' python3 - <<'END'
import json
rows = [json.loads(line) for line in open("rows.jsonl")]
points = {row["run"]: (row["tokens_per_s_per_user"], row["tokens_per_s_per_accelerator"])
          for row in rows if row["saturation"] != "overloaded"}
best = [run for run, (a, b) in points.items()
        if not any(x >= a and y >= b and (x, y) != (a, b) for x, y in points.values())]
lines = open("front").read().splitlines()
assert sorted(int(line.split()[0]) for line in lines[4:]) == sorted(best), (lines, best)
row = rows[best[0]]
assert abs(row["tokens_per_s_per_user"] * row["mean_tpot_ms"] / 1e3 - 1) < 1e-9
assert row["accelerators"] == 1 and row["dollars_per_million_tokens"] is None
END
printf 'base: base.yaml\nsweep: {engine.tensor_parallel_size: [1, 2]}\n' >priced.yaml
"$llmsim" sweep priced.yaml -s accelerator.price_per_hour=1.5 -o priced.jsonl -q >front
expect 'dollars' python3 - <<'END'
import json
for line, accelerators in zip(open("priced.jsonl"), (1, 2)):
    row = json.loads(line)
    wanted = 1.5 * accelerators / 3600 / row["output_throughput"] * 1e6
    assert row["accelerators"] == accelerators and abs(row["dollars_per_million_tokens"] / wanted - 1) < 1e-9
    assert abs(row["tokens_per_s_per_accelerator"] * accelerators / row["output_throughput"] - 1) < 1e-9
END
expect 'dollars on the terminal' grep -q '\$/Mtok' front

"$llmsim" sweep sweep.yaml -o charted.csv -q --chart >charted
expect 'the trade-off as a picture' grep -q '# is on the front' charted
expect 'below the same table' cmp trade_off <(head -n "$(wc -l <trade_off)" charted)

# --- parameter files of vLLM's benchmark

cat >serve.json <<END
[{"max_num_seqs": 8, "max-num-batched-tokens": 512, "_benchmark_name": "small"},
 {"max_num_seqs": 32, "enable_prefix_caching": false, "max_num_batched_tokens": null}]
END
cat >bench.json <<END
{"slow": {"request_rate": 2, "random_input_len": 300}, "fast": {"request_rate": 8}}
END
printf 'base: base.yaml\nserve_params: serve.json\nbench_params: bench.json\n' >vllm.yaml
"$llmsim" sweep vllm.yaml -o vllm.jsonl -q
expect 'every pair of their combinations' python3 - <<'END'
import json
rows = [json.loads(line) for line in open("vllm.jsonl")]
serve = [("8", "512", None), ("32", None, "false")]
bench = [("2", "{distribution: constant, value: 300}"), ("8", None)]
keys = ("engine.max_num_seqs", "engine.max_num_batched_tokens", "engine.enable_prefix_caching",
        "workload.arrivals.rate", "workload.prompt_tokens")
wanted = [a + b for a in serve for b in bench]
assert [tuple(row["values"][key] for key in keys) for row in rows] == wanted, rows
assert all(row["status"] == "done" for row in rows), rows
assert rows[0]["total_input_tokens"] == 300 * 1500
END
"$llmsim" base.yaml -q -s engine.max_num_seqs=32 -s engine.enable_prefix_caching=false -s workload.arrivals.rate=8 >plain.txt
expect 'each the run it says' grep -q "$(tail -n 1 vllm.jsonl | grep -o '"digest":"[^"]*"' | cut -d'"' -f4)" plain.txt

# --- a trace is read once, by whoever comes first, and is what the file is

printf 'arrival_s,prompt_tokens,output_tokens,session_id\n' >small.csv
for i in $(seq 400); do echo "$i.25,$((i * 7 % 900 + 1)),$((i * 13 % 90 + 1)),s$((i % 7))"; done >>small.csv
cat >traced.yaml <<END
model: $top/configs/models/llama-2-7b.yaml
accelerator: $top/configs/accelerators/a100-sxm-80gb.yaml
workload: {trace: small.csv}
END
printf 'base: traced.yaml\nsweep: {workload.rate_scale: [1, 2, 4, 8], engine.max_num_seqs: [4, 64]}\n' >traces.yaml
"$llmsim" sweep traces.yaml -j 3 -o traces.jsonl -q
for run in 0 3 6; do
    mapfile -t fields < <(python3 -c 'import json, sys
row = [json.loads(line) for line in open("traces.jsonl")][int(sys.argv[1])]
print(*("-s" + key + "=" + value for key, value in row["values"].items()), row["digest"], sep="\n")' $run)
    expect "a run of a shared trace, $run" grep -q "^Digest *${fields[2]}" <("$llmsim" traced.yaml -q "${fields[@]:0:2}")
done
if command -v strace >/dev/null && strace -f -e trace=openat -o opened "$llmsim" sweep traces.yaml -j 2 -q >/dev/null 2>&1; then
    expect 'it is opened once' test "$(grep -c 'small.csv' opened)" = 1
else
    echo 'skipped: strace does not run here: that a trace is opened once was not looked at'
fi
sed '300s/,[0-9]*,/,x,/' small.csv >broken.csv
"$llmsim" sweep traces.yaml -s workload.trace=broken.csv -o broken.jsonl -q
expect 'its error is the row of every run' test "$(grep -c "broken.csv:300:" broken.jsonl)" = 8
"$llmsim" sweep traces.yaml -s workload.trace=broken.csv -s workload.on_bad_row=skip -o skipped.jsonl -q
expect 'and skipped by all' test "$(grep -c '"completed":399,' skipped.jsonl)" = 8

# --- refusals

"$llmsim" sweep priced.yaml --shard 1/2 -o priced_half -q
printf 'base: "-"\nsweep: {seed: [1]}\n' >bad_stdin.yaml
cp even left.csv.partial
refuses 'is of a sweep that was interrupted: --resume goes on with it' sweep.yaml -o left.csv
refuses 'is not of this sweep' traces.yaml -o left.csv --resume
exec 9>>left.csv.partial
flock 9
refuses 'left.csv.partial: another sweep is writing it' sweep.yaml -o left.csv --resume
exec 9>&-
cp sweep.yaml saved.yaml
for read in sweep.yaml base.yaml; do
    refuses "$read: would overwrite" sweep.yaml -o $read
    refuses "$read: would overwrite" sweep.yaml -o left.csv --html $read
done
refuses "small.csv: would overwrite" traces.yaml -o small.csv
refuses "shard1: would overwrite shard1, which is read" --merge shard1 shard2 -o shard1
expect 'nothing was overwritten' cmp saved.yaml sweep.yaml
refuses 'is not of this sweep' sweep.yaml --seed 7 -o left.csv --resume
echo '{"run":99,"values":{}}' >>left.csv.partial
refuses 'left.csv.partial: holds what is no row of the sweep' sweep.yaml -o left.csv --resume
refuses '--shard 3/2: K/N, from 1/N to N/N' sweep.yaml --shard 3/2 -o x
refuses '--shard 0/2: K/N' sweep.yaml --shard 0/2 -o x
refuses '--shard 1/2x: K/N' sweep.yaml --shard 1/2x -o x
refuses '--shard needs -o FILE' sweep.yaml --shard 1/2
refuses '--merge of no files' --merge
"$llmsim" sweep sweep.yaml -o unseen.csv --html nowhere/x.html >stdout 2>stderr
expect 'a page that cannot be written is status 1' test $? = 1
expect 'before anything is run' test ! -s stdout -a ! -e unseen.csv -a ! -e unseen.csv.partial
refuses '--html and --chart are of all shards' sweep.yaml --shard 1/2 -o x --chart
refuses '--chart goes with the table' sweep.yaml --chart
refuses '--chart goes with the table' --merge shard1 --chart
refuses '--merge runs nothing' --merge shard1 --seed 3
refuses 'nothing: cannot be opened' --merge nothing
refuses 'one.csv: is not what llmsim sweep --shard leaves' --merge one.csv
refuses 'even: is of another sweep' --merge priced_half even
refuses '8 of 13 runs are in none of these, the first of them run 1' --merge shard1 shard4
refuses "bad_stdin.yaml:1:7: 'base' is read by every run, which stdin cannot be" bad_stdin.yaml
refuses '--resume needs -o FILE' sweep.yaml --resume
refuses 'no configuration or sweep given'
echo '[{"max_num_seqs": 8, "max_num_batched_token": 512}]' >slip.json
refuses_plan "slip.json:1:22: 'max_num_batched_token' of vLLM has no counterpart here" 'base: base.yaml\nserve_params: slip.json'
echo '[{"request_rate": 8}, 3]' >slip.json
refuses_plan "slip.json:1:23: a combination is a mapping" 'base: base.yaml\nbench_params: slip.json'
echo '[{"request_rate": [8]}]' >slip.json
refuses_plan "slip.json:1:19: a value of a sweep is a number or a text" 'base: base.yaml\nbench_params: slip.json'
echo '[{"max_num_seqs": 8, "max-num-seqs": 8}]' >slip.json
refuses_plan "slip.json:1:22: 'max-num-seqs' is given twice" 'base: base.yaml\nserve_params: slip.json'
echo '[{"_benchmark_name": "none"}]' >slip.json
refuses_plan 'no combination sets anything' 'base: base.yaml\nserve_params: slip.json'
refuses_plan "'engine.max_num_seqs' is swept twice" 'base: base.yaml\nserve_params: serve.json\nsweep: {engine.max_num_seqs: [1]}'
refuses_plan 'a value of a sweep is of one line' 'base: base.yaml\nsweep: {seed: ["1\\n2"]}'
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

all_held
