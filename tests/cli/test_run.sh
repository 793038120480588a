#!/bin/bash
# test_run.sh LLMSIM: what the commands promise when nothing is wrong: the same bytes every time,
# configurations that survive being printed, overrides, and files that agree with the program.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

is_empty() { [ ! -s "$1" ]; }

# quiet ARGUMENT...: llmsim so; it must succeed, and with -q say nothing on stderr.
quiet() {
    "$llmsim" "$@" -q 2>stderr </dev/null
    local got=$?
    expect "status of $*" test $got = 0
    expect "silence of $*" is_empty stderr
}

# digest ARGUMENT...: of the run.
digest() {
    "$llmsim" "$@" -q </dev/null | grep '^Digest'
}

same_digest() { [ -n "$1" ] && [ "$1" = "$2" ]; }

# Names are given as paths, so that it does not matter where the program was built.
cat >base.yaml <<END
model: $top/configs/models/llama-3.1-8b.yaml
accelerator: $top/configs/accelerators/rtx-4090.yaml
workload:
  arrivals: {process: poisson, rate: 8}
  prompt_tokens: {distribution: lognormal, mean: 600, median: 400, max: 8000}
  output_tokens: {distribution: lognormal, mean: 60, median: 40, max: 2000}
  num_requests: 300
slo: {ttft: 500 ms, tpot: 50 ms}
END
override=(-s engine.max_model_len=10000)

# --- the same bytes every time

for run in a b; do
    mkdir $run
    (cd $run && "$llmsim" ../base.yaml "${override[@]}" -q --json x.json --requests x.csv >x.txt)
done
expect 'two runs alike' diff -r a b
expect 'nothing else is left' diff <(find a -type f | sort) <(printf 'a/%s\n' x.csv x.json x.txt)
quiet base.yaml "${override[@]}" --json - >stdout.json
expect 'JSON alone on stdout' test "$(grep -c '"digest"' stdout.json)/$(grep -c '^Digest' stdout.json)" = 1/0
expect 'JSON on stdout as in a file' cmp stdout.json a/x.json
quiet base.yaml "${override[@]}" --requests - >stdout.csv
expect 'requests on stdout as in a file' cmp stdout.csv a/x.csv
quiet base.yaml "${override[@]}" >table.txt
expect 'the table as beside files' cmp table.txt a/x.txt
quiet run base.yaml "${override[@]}" >named.txt
expect 'run is the default command' cmp table.txt named.txt
"$llmsim" - "${override[@]}" -q <base.yaml >stdin.txt
expect 'a configuration on stdin' cmp table.txt stdin.txt

# --- the per-request CSV

header=request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,scheduled_s,first_token_s
header=$header,finished_s,ttft_s,tpot_s,e2e_s,preemptions,status
header=$header,queue_s,prefill_s,interference_s,decode_s,preemption_s,transfer_s,host_s
expect 'header of requests' test "$(head -n 1 a/x.csv)" = $header
expect 'rows of requests' test "$(wc -l <a/x.csv)" = 301
expect 'order of requests' diff <(tail -n +2 a/x.csv | cut -d, -f1) <(seq 0 299)
expect 'every request completed' test "$(grep -c ',completed,' a/x.csv)" = 300
expect 'parts of the time sum to it, to the nanosecond' awk -F, 'NR > 1 {
    parts = 0
    for (i = 14; i <= 20; i++)
        parts += int($i * 1e9 + 0.5)
    wrong += parts != int($11 * 1e9 + 0.5)
} END { exit wrong > 0 || NR != 301 }' a/x.csv

# --- the timeline

quiet base.yaml "${override[@]}" --timeline timeline.csv >timed.txt
expect 'the table is the same with a timeline' cmp table.txt timed.txt
quiet base.yaml "${override[@]}" --timeline - >stdout.csv
expect 'the timeline on stdout as in a file' cmp stdout.csv timeline.csv
quiet base.yaml "${override[@]}" -s output.timeline=set.csv >timed.txt
expect 'the timeline by its key' cmp set.csv timeline.csv
# Requests and tokens are all there, and by Little's law the time in the queue and beyond it.
totals=$(awk -F, 'NR > 1 { arrivals += $3; completed += $4; in_system += $2 * ($5 + $6); output += $2 * $9 }
    END { printf "%d %d %.0f %d", arrivals, completed, in_system, output + 0.5 }' timeline.csv)
expected=$(awk -F, 'NR > 1 { requests++; e2e += $11; output += $4 }
    END { printf "%d %d %.0f %d", requests, requests, e2e, output }' a/x.csv)
expect 'totals of the timeline' test "$totals" = "$expected"

# --- configurations printed

"$llmsim" base.yaml "${override[@]}" --print-config >printed.yaml
"$llmsim" printed.yaml --print-config >again.yaml
expect 'a printed configuration prints the same' cmp printed.yaml again.yaml
expect 'nothing is left automatic' test "$(grep -c ': auto$' printed.yaml)" = 0
all=$(digest base.yaml "${override[@]}")
expect 'a printed configuration runs the same' same_digest "$all" "$(digest printed.yaml)"
expect 'the JSON has the digest' grep -q "${all##* }" a/x.json

# --- accelerators known from their datasheets alone

sed 's/rtx-4090/l40s/' base.yaml >datasheet.yaml
quiet datasheet.yaml "${override[@]}" --json datasheet.json >datasheet.txt
expect 'a datasheet is marked' grep -q ' on 1 x l40s (datasheet; efficiencies of rtx-4090), ' datasheet.txt
expect 'also in the JSON' grep -q '"efficiencies_from": ".*rtx-4090' datasheet.json
expect 'what is measured is not' test "$(grep -c datasheet table.txt)" = 0
LLMSIM_CONFIGS=/nowhere "$llmsim" datasheet.yaml "${override[@]}" --print-config >printed.yaml
(cd / && LLMSIM_CONFIGS=/nowhere "$llmsim" "$work/printed.yaml" --print-config) >again.yaml
expect 'a datasheet prints the same' cmp printed.yaml again.yaml
expect 'and runs the same' same_digest "$(grep '^Digest' datasheet.txt)" \
    "$(LLMSIM_CONFIGS=/nowhere digest printed.yaml)"
expect 'with what it was given' test "$(grep -c 'compute_efficiency: ' printed.yaml)" = 4
LLMSIM_CONFIGS=$top/configs "$llmsim" base.yaml -s accelerator=l40s --print-config >printed.yaml
expect 'a shipped name stays a name' grep -qx '  efficiencies_from: "rtx-4090"' printed.yaml
expect 'its efficiencies by -s' test "$("$llmsim" datasheet.yaml --print-config \
    -s accelerator.gemm.compute_efficiency=0.55 | grep -c 'compute_efficiency: 0.55$')" = 1
expect 'other efficiencies by -s' grep -q ' (datasheet; efficiencies of h100-sxm), ' <("$llmsim" datasheet.yaml -q \
    -s accelerator.efficiencies_from="$top/configs/accelerators/h100-sxm.yaml" "${override[@]}")
"$llmsim" datasheet.yaml "${override[@]}" -q -s accelerator="$top/configs/accelerators/v100.yaml" >v100.txt 2>stderr
expect 'a dtype that it lacks is told' grep -qx \
    'warning: v100 does not compute in bf16: llama-3.1-8b runs in fp16, as vLLM would run it' stderr
"$llmsim" base.yaml "${override[@]}" -q -s accelerator="$top/configs/accelerators/a100-sxm-80gb.yaml" \
    -s model.quantization.weights=fp8 -s model.quantization.activations=fp8 2>stderr >/dev/null
expect 'so is a dtype of activations' grep -qx \
    'warning: a100-sxm-80gb does not compute in fp8: the weights of llama-3.1-8b are turned into bf16 as they are used' stderr
expect 'and another taken' same_digest "$(grep '^Digest' v100.txt)" \
    "$(digest datasheet.yaml "${override[@]}" -s accelerator="$top/configs/accelerators/v100.yaml" -s model.dtype=fp16)"

# --- overrides

cat base.yaml - >edited.yaml <<END
engine: {max_model_len: 10000, max_num_seqs: 4}
seed: 5
END
expect 'overrides as in the file' same_digest "$(digest edited.yaml)" \
    "$(digest base.yaml "${override[@]}" -s engine.max_num_seqs=4 -s seed=5)"
expect '--seed as -s seed' same_digest "$(digest base.yaml "${override[@]}" --seed 5)" \
    "$(digest base.yaml "${override[@]}" --set seed=5)"
expect 'the last override wins' same_digest "$all" \
    "$(digest base.yaml "${override[@]}" --seed 5 --seed 0)"
for change in seed=5 engine.max_num_seqs=4 'accelerator.memory_bandwidth=0.5 TB/s' \
    model.num_hidden_layers=16 accelerator.gemm.memory_efficiency=0.5 workload.arrivals.rate=9; do
    expect "$change changes the run" test "$all" != "$(digest base.yaml "${override[@]}" -s "$change")"
    expect "$change is a run" grep -q Digest <(digest base.yaml "${override[@]}" -s "$change")
done
expect 'a unit is its number' same_digest \
    "$(digest base.yaml "${override[@]}" -s 'accelerator.memory_bandwidth=0.5 TB/s')" \
    "$(digest base.yaml "${override[@]}" -s accelerator.memory_bandwidth=5e11)"
"$llmsim" base.yaml "${override[@]}" -q -s output.json=o.json -s output.requests=o.csv >output.txt
expect 'files named in the configuration: requests' cmp o.csv a/x.csv
expect 'files named in the configuration: table' cmp output.txt a/x.txt
expect 'files named in the configuration: JSON' cmp o.json a/x.json

# --- several replicas

quiet base.yaml "${override[@]}" -s engine.data_parallel_size=3
expect 'copies in the heading' grep -q 'on 3 x rtx-4090 (data 3), vllm' \
    <("$llmsim" base.yaml "${override[@]}" -q -s engine.data_parallel_size=3)
expect 'copies in the table' grep -q 'of 3 replicas; peaks' \
    <("$llmsim" base.yaml "${override[@]}" -q -s engine.data_parallel_size=3)
pipeline=(-s engine.tensor_parallel_size=2 -s engine.pipeline_parallel_size=2 -s cost.model=linear
    -s 'cost.base=5 ms')
expect 'a pipeline in the heading' grep -q 'on 8 x rtx-4090 (tensor 2, pipeline 2, data 2), vllm' \
    <("$llmsim" base.yaml "${override[@]}" -q "${pipeline[@]}" -s engine.data_parallel_size=2)
expect "a pipeline's engines" grep -q "for each of a pipeline's 2 engines" \
    <("$llmsim" base.yaml "${override[@]}" -q "${pipeline[@]}")

# --- traces

for format in llmsim azure; do
    "$llmsim" trace generate base.yaml "${override[@]}" --format $format -o $format.csv 2>stderr
    expect "requests told ($format)" grep -qx '300 requests' stderr
    "$llmsim" trace generate base.yaml "${override[@]}" --format $format 2>stderr | cmp -s - $format.csv
    expect "a trace on stdout ($format)" test "${PIPESTATUS[1]}" = 0
done
grep -v -e arrivals: -e _tokens: -e num_requests: base.yaml | sed 's/^workload:/workload: {trace: llmsim.csv}/' >traced.yaml
expect 'a generated trace runs as its generator' same_digest "$all" "$(digest traced.yaml "${override[@]}")"
expect 'a trace on stdin' same_digest "$all" \
    "$("$llmsim" traced.yaml "${override[@]}" -q -s "workload.trace='-'" <llmsim.csv | grep '^Digest')"
gzip -k llmsim.csv
expect 'a trace that is compressed' same_digest "$all" \
    "$(digest traced.yaml "${override[@]}" -s workload.trace=llmsim.csv.gz)"
expect 'a compressed trace on stdin' same_digest "$all" \
    "$("$llmsim" traced.yaml "${override[@]}" -q -s "workload.trace='-'" <llmsim.csv.gz | grep '^Digest')"
(head -n 1 llmsim.csv; tail -n +2 llmsim.csv | tac) >backwards.csv
expect 'a trace that runs backwards' same_digest "$all" \
    "$(digest traced.yaml "${override[@]}" -s workload.trace=backwards.csv)"

# late_row HEADER ROW_FORMAT: of 3000 such rows, from 1000 on, the first comes last; sorted as the error
# advises, they are read.
late_row() {
    # shellcheck disable=SC2059 # a format
    (printf "$1"; printf "$2" {1001..3999} 1000) >late
    "$llmsim" traced.yaml "${override[@]}" -s workload.trace=late -q >output.txt 2>stderr
    expect 'a late row is refused' test $? = 2
    sed -n 's/.*; sort it, as plain text: //p' stderr | sed 's/FILE/late/g' >advice
    expect "advice: $(<advice)" sh advice
    expect 'which helps' "$llmsim" traced.yaml "${override[@]}" -s workload.trace="$(echo sorted.*)" -q
    expect 'and loses nothing' test "$(wc -l <late)" = "$(wc -l < <(cat sorted.*))"
    rm -f sorted.*
}
late_row 'arrival_s,prompt_tokens,output_tokens\n' '%d.5,10,1\n'
late_row 'arrival_s,prompt_tokens,output_tokens\n' '%de-1,10,1\n'
late_row 'TIMESTAMP,ContextTokens,GeneratedTokens\n' '2024-05-10 00:00:00.%d,10,1\r\n'
late_row '' '{"input_length": 10, "timestamp": %d, "output_length": 1}\n'
"$llmsim" trace generate traced.yaml "${override[@]}" --format llmsim -o copy.csv 2>stderr
expect 'a trace written again' cmp copy.csv llmsim.csv
sed '7s/,.*/,x,1/' llmsim.csv >bad.csv
"$llmsim" traced.yaml "${override[@]}" -s workload.trace=bad.csv -s workload.on_bad_row=skip -q >skipped.txt 2>stderr
expect 'a bad row is skipped aloud' grep -qx 'warning: bad rows of the trace, skipped: 1' stderr
expect 'and the rest is run' grep -q '299 completed, 0 failed' skipped.txt
"$llmsim" traced.yaml -s engine.max_model_len=1000 -q >rejected.txt 2>stderr
expect 'rejections are told' grep -q 'requests longer than max_model_len (1000 tokens), rejected: ' stderr
expect 'and counted' grep -Eq '[0-9]+ completed, [1-9][0-9]* failed' rejected.txt
"$llmsim" trace generate "$top/traces/conversation.yaml" --format azure -o conversation.csv \
    -s model="$top/configs/models/llama-2-7b.yaml" \
    -s accelerator="$top/configs/accelerators/a100-sxm-80gb.yaml" 2>stderr
expect 'traces/conversation.csv' cmp conversation.csv "$top/traces/conversation.csv"

# --- files

echo before >old.json
quiet base.yaml "${override[@]}" --json old.json >output.txt
expect 'an old file is replaced' grep -q '"digest"' old.json
name=$(printf 'caf\xe9.json') # Latin-1
quiet base.yaml "${override[@]}" --json "$name" --requests "$name.csv" >output.txt
expect 'a name that is no UTF-8' grep -q '"digest"' "$name"
"$llmsim" base.yaml -s 'model.name="a\nb"' -q 2>stderr >output.txt
expect 'a name of two lines is refused in one' test "$?$(wc -l <stderr)" = 21

"$llmsim" traced.yaml "${override[@]}" -q --requests /dev/stdout >through.csv
expect 'stdout by its path is stdout' test "$(wc -l <through.csv)" = 301

"$llmsim" - -s 'workload={trace: "-"}' <base.yaml >output.txt 2>stderr
expect 'stdin is read once' grep -qx 'stdin cannot be both the configuration and the trace' stderr

# What the summary holds as `config` runs to the same digest, wherever it is put.
rate=(-s workload.arrivals.rate=7.123456789012345/min -s workload.rate_scale=0.12345678901234567)
quiet base.yaml "${override[@]}" "${rate[@]}" --json echo.json >echoed.txt
mkdir elsewhere
{ echo '{'; sed -n '/^  "config": {/,/^  }/p' echo.json | sed '1d;$d'; echo '}'; } >elsewhere/config.json
expect 'the configuration in the summary' same_digest "$(grep '^Digest' echoed.txt)" \
    "$(digest elsewhere/config.json)"
quiet traced.yaml "${override[@]}" --json echo.json >echoed.txt
{ echo '{'; sed -n '/^  "config": {/,/^  }/p' echo.json | sed '1d;$d'; echo '}'; } >elsewhere/config.json
expect 'with a trace' same_digest "$(grep '^Digest' echoed.txt)" "$(digest elsewhere/config.json)"

# A run that is ended leaves no file under the name it was to have. Its first row shows that it runs.
mkdir ended
mkfifo rows
"$llmsim" base.yaml "${override[@]}" -s workload.num_requests=100000000 -q --json ended/x.json \
    --requests rows >ended.txt 2>stderr &
exec 4<rows
read -r _ <&4
kill -TERM $!
wait $! 2>stderr
expect 'it was ended' test $? = 143
exec 4<&-
expect 'nothing under its name' test ! -e ended/x.json

# --- warnings

"$llmsim" traced.yaml -s engine.max_model_len=1000 -q >rejected.txt 2>stderr
rejected=$(awk -F, 'NR > 1 && $2 + $3 > 1000' llmsim.csv | wc -l)
expect 'rejections are counted' grep -qx \
    "warning: requests longer than max_model_len (1000 tokens), rejected: $rejected" stderr
expect 'and failed' grep -q ", $rejected failed" rejected.txt
"$llmsim" base.yaml "${override[@]}" -s engine.num_gpu_blocks_override=40 -q >short.txt 2>stderr
expect 'a short cache is told' grep -q '^warning: the KV cache holds 624 tokens, fewer than' stderr
expect 'what never fits is told' grep -q '^warning: requests that would not fit an empty KV cache' stderr
"$llmsim" base.yaml -s engine.max_model_len=1000000 -q >long.txt 2>stderr
expect 'more than the model holds is told' grep -q '^warning: max_model_len 1000000 is beyond' stderr

# --- distributions in the terminal

"$llmsim" base.yaml -q >plain.txt
"$llmsim" base.yaml -q --chart >charted.txt
expect 'below the same table' cmp plain.txt <(head -n "$(wc -l <plain.txt)" charted.txt)
expect 'of four latencies' test "$(grep -c ' (ms), [0-9]* values$' charted.txt)" = 4
for override in output.json=- metrics.replications=2; do
    "$llmsim" base.yaml -q --chart -s $override >output.txt 2>stderr
    expect "status with $override" test $? = 2
    expect "a word with $override" grep -q -- '--chart' stderr
    expect "nothing else with $override" is_empty output.txt
done

# --- where models are

mkdir -p alone/models
cp "$llmsim" alone/llmsim
cp "$top/configs/models/llama-2-7b.yaml" alone/models/own.yaml
LLMSIM_CONFIGS=$work/alone alone/llmsim base.yaml -s model=own -q >own.txt 2>stderr
expect 'LLMSIM_CONFIGS' grep -q '^llama-2-7b on' own.txt

# --- help

for option in --help --version help 'help config' 'help run' 'help roofline' 'help trace' 'run --help' 'roofline --help' 'trace --help'; do
    # shellcheck disable=SC2086 # words
    "$llmsim" $option >output.txt 2>stderr
    expect "status of $option" test $? = 0
    expect "output of $option" test -s output.txt
    expect "silence of $option" is_empty stderr
done
expect 'the version' grep -Eqx 'llmsim [0-9]+\.[0-9]+\.[0-9]+' <("$llmsim" --version)
"$llmsim" help config >keys.txt
sed -n '/<!-- keys -->/,/<!-- \/keys -->/p' "$top/configs/README.md" | sed '1d;$d' >documented.txt
expect 'configs/README.md has every key' diff documented.txt keys.txt

all_held
