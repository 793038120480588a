#!/bin/bash
# test_traces.sh LLMSIM TOP: the sample traces are what the program writes and reads, in every format; one
# format becomes another and says what it loses.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LLMSIM_CONFIGS=$top/configs

formats=0
for sample in "$top"/traces/samples/*; do
    file=${sample##*/}
    format=${file%%.*}
    formats=$((formats + 1))
    options=()
    [ "$format" = mooncake ] &&
        options=(-s workload.prefix_block_tokens=512 -s workload.classes.chat.shared_prefix.tokens=1100)
    "$llmsim" trace generate "$top/traces/samples.yaml" "${options[@]}" --format "$format" -o "$file" 2>stderr
    expect "$file is made again" cmp "$file" "$sample"
    expect "$file: the beginning is in traces/README.md" diff <(head -n 5 "$sample") \
        <(sed -n "\|<!-- samples/$file -->|,/^\$/p" "$top/traces/README.md" | sed -n '/^```$/,/^```$/p' | grep -v '^```$')
    arrivals=()
    case $format in sharegpt | vidur-lengths)
        "$llmsim" trace info "$sample" 2>stderr
        expect "$file: needs arrivals" grep -q "does not say when its requests arrive" stderr
        arrivals=(-s 'workload.arrivals={process: poisson, rate: 1}')
        ;;
    esac
    "$llmsim" trace info "$sample" "${arrivals[@]}" --json info.json >info.txt 2>stderr
    expect "$file: is told by its content" grep -q "\"format\": \"$format\"" info.json
    expect "$file: has all requests" grep -q '"requests": 40,' info.json
    for compressor in gzip zstd; do
        command -v $compressor >/dev/null || continue
        $compressor -c "$sample" | "$llmsim" trace info - "${arrivals[@]}" --json compressed.json >info.txt 2>stderr
        expect "$file: by $compressor, from stdin" diff <(grep -v '"trace":' info.json) <(grep -v '"trace":' compressed.json)
    done
    # To a format that holds everything, and back.
    case $format in
        sharegpt | vidur-lengths | qwen-bailian) ;; # no times; names that are numbers of its own
        *)
            "$llmsim" trace convert "$sample" --format llmsim-jsonl -o all.jsonl 2>stderr
            expect "$file: converted" grep -qx '40 requests' stderr
            expect "$file: nothing is lost" test "$(wc -l <stderr)" = 1
            "$llmsim" trace convert all.jsonl --format "$format" -o back 2>stderr
            expect "$file: there and back" cmp back "$sample"
            ;;
    esac
done
expect 'a sample of every format' test "$formats" = \
    "$("$llmsim" help config | sed -n 's/| `workload.format` | \(.*\) | `auto`.*/\1/p' | tr ',' '\n' | wc -l)"

all=$top/traces/samples/llmsim-jsonl.jsonl
"$llmsim" trace convert "$all" --format azure 2>stderr >/dev/null
expect 'what is lost is told' grep -q '^warning: lost, since azure does not hold it: prefix ids of 35 requests, session of' stderr
"$llmsim" trace convert "$top/traces/samples/azure.csv" --format qwen-bailian 2>stderr >/dev/null
expect 'what is invented is told' grep -q '^warning: invented, since qwen-bailian must have it: session of 40 requests, turn of 40 requests, class of 40 requests$' stderr
"$llmsim" trace convert "$all" --format sharegpt 2>stderr >/dev/null
expect 'a format without times' grep -q 'arrival time of [0-9]* requests$' stderr
{ echo arrival_s,prompt_tokens,output_tokens,class; for i in $(seq 0 49); do echo "$i,100,20,a"; done; } >regular.csv
"$llmsim" trace fit regular.csv -o fitted.yaml
expect 'regular arrivals are constant' grep -q '{process: constant, rate: 1}' fitted.yaml
expect 'what a fit leaves out is told' grep -qx '# Not fitted, though the trace has them: classes\.' fitted.yaml
"$llmsim" trace convert "$all" --format mooncake -o mooncake.jsonl 2>stderr
expect 'and blocks of another size' grep -q 'read it with workload.prefix_block_tokens=16' stderr
"$llmsim" trace convert "$all" -s workload.start=30 -s workload.duration=20 -s workload.rate_scale=2 --format vidur 2>stderr >cut.csv
expect 'transformations apply' awk -F, 'NR > 1 && ($1 < 0 || $1 >= 10) { exit 1 } END { exit NR < 3 }' cut.csv
digest() {
    "$llmsim" "$top/traces/samples.yaml" -q "$@" | grep '^Digest'
}
sed -n '1,/^seed/p' "$top/traces/samples.yaml" >replay.yaml
echo "workload: {trace: $all}" >>replay.yaml
expect 'a replay is as the traffic itself' test "$(digest)" = "$("$llmsim" replay.yaml -q | grep '^Digest')"

# A system prompt alone: ids that end before the prompt does.
cat >shared.yaml <<YAML
workload: {arrivals: {process: poisson, rate: 4}, prompt_tokens: {distribution: constant, value: 300},
           output_tokens: {distribution: constant, value: 30}, shared_prefix: {tokens: 100}, num_requests: 50}
YAML
for format in llmsim-jsonl mooncake qwen-bailian; do
    "$llmsim" trace generate shared.yaml -s workload.prefix_block_tokens=48 --format $format -o shared.jsonl 2>stderr
    "$llmsim" trace info shared.jsonl -s workload.prefix_block_tokens=48 --json - >info.json 2>stderr
    expect "ids of a system prompt, as $format" grep -q '"max_hit_tokens": 4704,' info.json
done

"$llmsim" trace convert "$all" --format nothing -o out 2>stderr
expect 'an unknown format' test $? = 2
"$llmsim" trace convert missing.csv -o out 2>stderr
expect 'no trace' test $? = 2
"$llmsim" trace convert mooncake.jsonl --format llmsim -o out 2>stderr
expect 'ids of another size than assumed' grep -q 'set workload.prefix_block_tokens' stderr
expect 'and no file is left' test ! -e out
cp "$all" own.jsonl
"$llmsim" trace convert own.jsonl --format azure -o ./own.jsonl 2>stderr
expect 'the trace is not overwritten' cmp own.jsonl "$all"
echo 'workload: {arrivals: {process: closed, concurrency: 2}, prompt_tokens: {distribution: constant, value: 8}, output_tokens: {distribution: constant, value: 8}, num_requests: 9}' >>closed.yaml
sed -n '1,/^seed/p' "$top/traces/samples.yaml" >>closed.yaml
"$llmsim" trace generate closed.yaml -o out 2>stderr
expect 'a closed loop is no trace' grep -q '^a closed loop cannot be written as a trace' stderr
expect 'of which nothing is left' test ! -e out

all_held
