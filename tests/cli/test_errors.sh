#!/bin/bash
# test_errors.sh LLMSIM: what can be wrong, one kind after the other. Each must give one line on stderr
# (beside warnings) that says so, the right exit status (2: the input, 1: the run), nothing on stdout
# if it is the input, and must neither create nor change an output file.
set -u
llmsim=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

# --- a small server and a small trace

mkdir models accelerators
cat >models/tiny.yaml <<END
name: tiny
hidden_size: 256
intermediate_size: 512
num_hidden_layers: 2
num_attention_heads: 12
num_key_value_heads: 4
head_dim: 32
vocab_size: 1000
max_position_embeddings: 4096
END
cat >accelerators/tiny.yaml <<END
name: tiny-gpu
memory: 8 GiB
memory_bandwidth: 1 TB/s
bf16_flops: 100 TFLOP/s
fp16_flops: 100 TFLOP/s
fp32_flops: 10 TFLOP/s
sm_count: 50
l2_cache: 20 MB
END
printf 'arrival_s,prompt_tokens,output_tokens\n0,10,5\n0.5,20,3\n1,10,1\n' >trace.csv
cat >base.yaml <<END
model: tiny
accelerator: tiny
workload: {trace: trace.csv}
END
generated='{arrivals: {process: poisson, rate: 8}, num_requests: 10,
 prompt_tokens: {distribution: constant, value: 10}, output_tokens: {distribution: constant, value: 5}}'
printf 'model: tiny\naccelerator: tiny\nworkload: %s\n' "$generated" >generated.yaml
cat >config.json <<END
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256,
 "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 4096,
 "torch_dtype": "bfloat16"}
END
mkdir directory

# --- one case

# complain WHAT: the case is wrong; its line in the table.
complain() {
    wrong=yes
    printf 'FAIL %-40s %s\n' "$name" "$1"
}

# check STATUS TEXT: what the command wrote to stdout and stderr here, with its status in $got.
check() {
    local lines=() line
    while IFS= read -r line || [ -n "$line" ]; do
        [[ $line == 'warning: '* ]] || lines+=("$line")
    done <stderr
    wrong=no
    [ "$got" = "$1" ] || complain "status $got, not $1"
    [ ${#lines[@]} = 1 ] || complain "${#lines[@]} lines on stderr: ${lines[*]:0:3}"
    [[ ${lines[*]} == *"$2"* ]] || complain "no '$2' in: ${lines[*]:0:3}"
    [ "$1" = 2 ] && [ -s stdout ] && complain "on stdout: $(head -c 100 stdout)"
    [ "$(<out.json)" = before ] || complain 'an output file was changed'
    for file in out.json.* out.csv*; do
        [ -e "$file" ] && complain "left behind: $file" && rm "$file"
    done
    if [ $wrong = yes ]; then
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

# fails NAME STATUS TEXT ARGUMENT...: run llmsim so, with an old and a new output file.
fails() {
    name=$1
    local status=$2 text=$3
    shift 3
    echo before >out.json
    "$llmsim" "$@" >stdout 2>stderr </dev/null
    got=$?
    check "$status" "$text"
}

outputs='--json out.json --requests out.csv'

# run_fails NAME STATUS TEXT ARGUMENT...: the same with both output files asked for.
run_fails() {
    # shellcheck disable=SC2086 # a list of options
    fails "$@" $outputs
}

# yaml NAME TEXT: the configuration on stdin is wrong input.
yaml() {
    cat >case.yaml
    run_fails "$1" 2 "$2" case.yaml
}

# with NAME TEXT OVERRIDE...: base.yaml is wrong input under these overrides.
with() {
    local name_=$1 text_=$2 options=()
    shift 2
    for override in "$@"; do options+=(-s "$override"); done
    run_fails "$name_" 2 "$text_" base.yaml "${options[@]}"
}

# generating NAME TEXT OVERRIDE...: the same for generated.yaml.
generating() {
    local name_=$1 text_=$2 options=()
    shift 2
    for override in "$@"; do options+=(-s "$override"); done
    run_fails "$name_" 2 "$text_" generated.yaml "${options[@]}"
}

# trace NAME TEXT ROWS [OPTION]...: the rows behind llmsim's header, as printf takes them, are wrong.
trace() {
    local name_=$1 text_=$2
    # shellcheck disable=SC2059 # a format
    printf "arrival_s,prompt_tokens,output_tokens\n$3" >case.csv
    shift 3
    run_fails "$name_" 2 "$text_" base.yaml -s workload.trace=case.csv "$@"
}

# azure NAME TEXT TIMESTAMP: the time is wrong.
azure() {
    printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0,10,5\n%s,10,5\n' "$3" \
        >case.csv
    run_fails "$1" 2 "$2" base.yaml -s workload.trace=case.csv
}

# mooncake NAME TEXT ROW [OVERRIDE]...: a row of prefix ids is wrong, after one that is right.
mooncake() {
    local name_=$1 text_=$2
    printf '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [1, 2]}\n%s\n' \
        "$3" >case.jsonl
    shift 3
    with "$name_" "$text_" workload.trace=case.jsonl "$@"
}

# hugging_face NAME TEXT SED: config.json, edited so, is no model for us.
hugging_face() {
    sed "$3" config.json >case.json
    run_fails "$1" 2 "$2" base.yaml -s model=case.json
}

# The fixtures themselves are right: whatever fails below fails for its own reason.
for config in base.yaml generated.yaml; do
    "$llmsim" $config -q >/dev/null || { echo "FAIL $config does not run"; exit 1; }
done
"$llmsim" base.yaml -q -s model=config.json >/dev/null || { echo 'FAIL config.json'; exit 1; }

# --- the file

run_fails 'no such file' 2 'missing.yaml: cannot be opened: No such file' missing.yaml
run_fails 'a directory as configuration' 2 'directory: cannot be read: Is a directory' directory
run_fails 'an unreadable configuration' 2 '/proc/self/mem: cannot be read' /proc/self/mem
run_fails 'a path through a file' 2 'base.yaml/x: cannot be opened: Not a directory' base.yaml/x
yaml 'not YAML' 'case.yaml:2:' <<<$'model: [a\nb: c'
yaml 'a tab' 'case.yaml:2:1: not valid YAML' <<<$'model:\n\tname: x'
yaml 'an open quote' 'not valid YAML' <<<"model: 'tiny"
yaml 'a value after a value' 'case.yaml:1:9: not valid YAML' <<<'model: a: b'
printf 'model: ti\0ny\n' >case.yaml
run_fails 'a NUL byte' 2 'not valid YAML: control characters' case.yaml
printf 'model: "ti\\0ny"\n' >case.yaml
run_fails 'a NUL escape' 2 'case.yaml:1:8: a NUL character' case.yaml
printf 'model: \xff\n' >case.yaml
run_fails 'no UTF-8' 2 'not valid YAML: invalid' case.yaml
printf 'model: \xc3' >case.yaml
run_fails 'cut UTF-8' 2 'not valid YAML: incomplete' case.yaml
yaml 'too deep' 'nested too deeply' <<<"model: $(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})"
yaml 'a cycle' 'nested too deeply or too large' <<<'model: &a {b: *a}'
yaml 'an expansion' 'too large' <<END
a: &a [1,1,1,1,1,1,1,1,1,1]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]
END
yaml 'an unknown alias' 'not valid YAML: found undefined alias' <<<'model: *nothing'
{ cat base.yaml; head -c 4194304 /dev/zero | tr '\0' '\n'; } >case.yaml
run_fails 'a huge file' 2 'case.yaml: larger than 1 MiB' case.yaml
{ cat base.yaml; printf -- '---\n'; cat base.yaml; } >case.yaml
run_fails 'a second document' 2 'case.yaml:5:1: a second YAML document' case.yaml
yaml 'a list' 'case.yaml:1:1: a configuration must be a mapping' <<<'- model: tiny'
yaml 'a word' 'case.yaml:1:1: a configuration must be a mapping' <<<'tiny'
yaml 'an empty file' "'model' is missing" </dev/null
yaml 'a key twice' "case.yaml:2:1: 'model' is given twice (first at line 1)" \
    <<<$'model: tiny\nmodel: tiny'
yaml 'a key twice inside' "'rate' is given twice" <<<'workload: {arrivals: {rate: 1, rate: 2}}'
yaml 'a list as key' 'a key must be a plain word' <<<'[a]: b'

# --- keys and values

{ cat base.yaml; echo 'engin: {}'; } >case.yaml
run_fails 'an unknown key' 2 "case.yaml:4:1: unknown key 'engin' in a configuration (did you mean 'engine'?)" case.yaml
with 'an unknown engine key' "unknown key 'max_num_sequences' in the engine section (did you mean 'max_num_seqs'?)" engine.max_num_sequences=8
with 'an unknown workload key' "(did you mean 'trace'?)" workload.trac=x
with 'an unknown model key' "unknown key 'hidden' in a model" model.hidden=8
with 'an unknown accelerator key' "unknown key 'memry' in an accelerator (did you mean 'memory'?)" accelerator.memry=8
with 'a list for a section' "'engine' must be a mapping" 'engine=[1]'
with 'a number for a section' "'slo' must be a mapping" slo=5
with 'a mapping for a value' "'seed' takes one value, not a mapping" 'seed={a: 1}'
with 'a list for a value' "'max_num_seqs' takes one value, not a list" 'engine.max_num_seqs=[8]'
with 'the unit of another thing' "'memory_bandwidth' is in bytes/s: '2 GB' has another unit (expected e.g. '2039 GB/s')" 'accelerator.memory_bandwidth=2 GB'
with 'a unit where none is' "'max_num_seqs' takes a plain number, not '8 s'" 'engine.max_num_seqs=8 s'
with 'no number' "'block_size' must be a number" engine.block_size=big
with 'no finite number' "must be a number" 'slo={ttft: .inf}'
with 'half a sequence' "'max_num_seqs' must be a whole number, not '1.5'" engine.max_num_seqs=1.5
with 'too little' "'gpu_memory_utilization' must be between 0.01 and 1, not '0'" engine.gpu_memory_utilization=0
with 'too much' "'gpu_memory_utilization' must be between 0.01 and 1, not '90'" engine.gpu_memory_utilization=90
with 'far too much' "'block_size' must be" engine.block_size=99999999999999999999
with 'negative' "'ttft' must be at least 0 s, not '-1 ms'" 'slo.ttft=-1 ms'
with 'neither true nor false' "'async_scheduling' must be true or false, not 'maybe'" engine.async_scheduling=maybe
with 'an unknown choice' "'scheduler' cannot be 'vlm' (did you mean 'vllm'?)" engine.scheduler=vlm
with 'a negative seed' "'seed' must be between" seed=-1
with 'an empty path' "'trace' names no file" "workload.trace=''"
for key in model accelerator workload; do
    grep -v "^$key:" base.yaml >case.yaml
    run_fails "no $key" 2 "case.yaml:1:1: '$key' is missing" case.yaml
done

# --- model and accelerator

with 'an unknown model' "there is no file 'models/tinny.yaml'" model=tinny
with 'an unknown accelerator' "there is no file 'accelerators/tinny.yaml'" accelerator=tinny
with 'a missing model file' './x.yaml: cannot be opened' model=./x.yaml
with 'a directory as accelerator' 'directory/: cannot be read: Is a directory' accelerator=directory/
with 'an empty model' "'model' must be a name, a path or a mapping" "model=''"
with 'a list of models' "'model' must be a name, a path or a mapping" 'model=[tiny]'
with 'a configuration as model' "base.yaml:1:1: unknown key 'model' in a model" model=base.yaml
grep -v hidden_size models/tiny.yaml >case.yaml
with 'a model without a dimension' "case.yaml:1:1: 'hidden_size' is missing" model=case.yaml
with 'KV heads that do not divide' 'num_key_value_heads 5 does not divide num_attention_heads 12' model.num_key_value_heads=5
with 'a model without layers' "'num_hidden_layers' must be between" model.num_hidden_layers=0
grep -v l2_cache accelerators/tiny.yaml >case.yaml
with 'an accelerator without a cache' "case.yaml:1:1: 'l2_cache' is missing" accelerator=case.yaml
with 'efficiencies of nobody' "there is no file 'accelerators/tinny.yaml'" accelerator.efficiencies_from=tinny
sed 's/tiny-gpu/lent/; $a efficiencies_from: tiny' accelerators/tiny.yaml >accelerators/lent.yaml
with 'borrowed efficiencies' "'lent' has no efficiencies to give, but those of '" accelerator.efficiencies_from=lent
with 'an accelerator that computes in nothing' "an accelerator needs 'bf16_flops', 'fp16_flops' or 'fp32_flops'" \
    accelerator.bf16_flops=none accelerator.fp16_flops=none accelerator.fp32_flops=none
with 'an efficiency above 1' "'compute_efficiency' must be between" accelerator.gemm.compute_efficiency=1.1
with 'half an interconnect' "an interconnect needs 'bandwidth'" accelerator.interconnect.kind=pcie
with 'no interconnect, with a ring' "'ring' has no meaning" 'accelerator.interconnect.ring=1 us'
with 'an accelerator that is too small' 'tiny does not fit 1 x tiny-gpu: of 0.01 GiB' 'accelerator.memory=10 MiB'
with 'a model that is too large' 'tiny does not fit 1 x tiny-gpu' model.vocab_size=100000000
with 'ranks that do not divide' "'tensor_parallel_size' (5) does not divide the 12 attention heads of tiny" engine.tensor_parallel_size=5
with 'ranks that KV heads do not meet' "'tensor_parallel_size' (3) neither divides nor is a multiple of the 4 KV heads" engine.tensor_parallel_size=3
with 'ranks without a link' "'tensor_parallel_size' is 2, but tiny-gpu has no interconnect" engine.tensor_parallel_size=2
with 'stages without a link' "'pipeline_parallel_size' is 2, but tiny-gpu has no interconnect" engine.pipeline_parallel_size=2
with 'more stages than layers' "'pipeline_parallel_size' (3) is more than the 2 layers of tiny" engine.pipeline_parallel_size=3
with 'a KV cache of 4 bits' "'kv_cache_dtype' cannot be fp4 for tiny, which is" engine.kv_cache_dtype=fp4
with 'too few blocks for a pipeline' '3 KV blocks are too few for the 2 virtual engines' engine.pipeline_parallel_size=2 accelerator.interconnect.kind=pcie 'accelerator.interconnect.bandwidth=32 GB/s' engine.num_gpu_blocks_override=3
with 'a budget below the sequences' "'max_num_batched_tokens' (8) must be at least 'max_num_seqs' (16)" engine.max_num_batched_tokens=8 engine.max_num_seqs=16
with 'one block only' "'num_gpu_blocks_override' must be" engine.num_gpu_blocks_override=1
with 'latents in a model without' "'latent_attention' has no meaning for tiny" cost.latent_attention=absorbed
with 'a linear cost for a roofline' "'base'" 'cost.base=1 ms'

# --- a Hugging Face config.json

hugging_face 'an unknown kind' "llmsim cannot represent models of type 'mamba2'" 's/"llama"/"mamba2"/'
hugging_face 'an unknown architecture' "cannot represent architecture 'LlamaForX'" 's/LlamaForCausalLM/LlamaForX/'
hugging_face 'an unknown quantisation' "'quant_method' cannot be 'aqlm'" 's/"torch_dtype"/"quantization_config": {"quant_method": "aqlm"}, &/'
hugging_face 'a mixture of experts' 'llmsim cannot represent a mixture of experts' 's/"torch_dtype"/"num_local_experts": 8, &/'
hugging_face 'a sliding window' "'sliding_window': models of type 'llama' have none" 's/"torch_dtype"/"sliding_window": 100, &/'
hugging_face 'no hidden size' "'hidden_size' is missing" 's/"hidden_size": 256,//'
hugging_face 'an odd number of heads' 'does not divide hidden_size 256' 's/"num_attention_heads": 4/"num_attention_heads": 6/'
hugging_face 'cut JSON' 'case.json:4:' 4d
hugging_face 'a text for a number' "'vocab_size' must be a number" 's/1000/"many"/'

# --- the workload

with 'nothing arrives' 'nothing arrives' 'workload={}'
with 'a trace and generated traffic' "'num_requests' is for generated traffic, and 'trace' is given" workload.num_requests=5
with 'a bad rate scale' "'rate_scale' must be between" workload.rate_scale=0
with 'no requests' "'max_requests' must be" workload.max_requests=0
with 'an unknown format' "'format' cannot be 'azur' (did you mean 'azure'?)" workload.format=azur
generating 'no number of requests' "needs 'num_requests'" workload.num_requests=none
generating 'no process' "needs 'arrivals' with a 'process'" workload.arrivals=none
generating 'no rate' "needs 'rate'" workload.arrivals.rate=none
generating 'a rate of 0' "'rate' must be between" workload.arrivals.rate=0
generating 'a rate in seconds' "'rate' is in /s" 'workload.arrivals.rate=8 s'
generating 'gamma without cv' "needs 'cv'" workload.arrivals.process=gamma
generating 'Poisson with cv' "'cv' has no meaning" workload.arrivals.cv=2
generating 'a list of rates for nothing' "'rates' has no meaning for profile 'constant'" 'workload.arrivals.rates=[4, 8]'
generating 'a bad rate in a list' "'rates' must be a number (e.g. 8), not 'many'" 'workload.arrivals={process: poisson, profile: piecewise, rates: [4, many], interval: 60}'
generating 'lengths of no file' 'none.csv: cannot be opened' 'workload.prompt_tokens={distribution: empirical, file: none.csv}'
generating 'a correlation with a constant' "'length_correlation' has no meaning where a length is constant" workload.length_correlation=0.5
with 'a correlation for a trace' "'length_correlation' is for generated traffic" workload.length_correlation=0.5
generating 'lognormal without a median' "needs 'median'" 'workload.prompt_tokens={distribution: lognormal, mean: 5}'
generating 'a median above the mean' 'must be greater than its median' 'workload.prompt_tokens={distribution: lognormal, mean: 5, median: 6}'
generating 'a minimum above the maximum' "greater than its 'max'" 'workload.prompt_tokens={distribution: exponential, mean: 5, min: 9, max: 8}'
generating 'half a token' "'value' must be a whole number" workload.prompt_tokens.value=1.5
generating 'a format of nothing' "'format' has no meaning" workload.format=azure
generating 'ids of nothing' "'prefix_block_tokens' has no meaning for generated traffic" workload.prefix_block_tokens=16
with 'ids of a format without' "-s workload.prefix_block_tokens=16: 'prefix_block_tokens' has no meaning for format 'llmsim'" workload.format=llmsim workload.prefix_block_tokens=16
with 'ids of no tokens' "'prefix_block_tokens' must be between 1 and 1048576 tokens, not '0'" workload.prefix_block_tokens=0

# --- the trace

with 'no such trace' 'x.csv: cannot be opened' workload.trace=x.csv
with 'a directory as trace' 'directory: is a directory' workload.trace=directory
with 'an unreadable trace' '/proc/self/mem: cannot be read' workload.trace=/proc/self/mem
with 'an empty trace' 'stdin: an empty file' "workload.trace='-'"
trace 'only a header' 'case.csv: a trace without requests' ''
trace 'only bad rows' 'a trace without requests: all 2 rows are bad' 'a\nb\n' -s workload.on_bad_row=skip
with 'no header' 'base.yaml:1:1: ' workload.trace=base.yaml
with 'a program as trace' ":1:1: " "workload.trace=$llmsim"
with 'another format' "not of format 'azure'" workload.format=azure
trace 'a cut row' 'case.csv:3:4: the row ends before its output_tokens' '0,10,5\n1,1'
trace 'an empty field' "case.csv:2:3: prompt_tokens: '' is not a whole number" '0,,5\n'
trace 'garbage' "case.csv:2:1: arrival_s: '@#' is not a time" '@#,10,5\n'
trace 'no prompt' "case.csv:2:3: prompt_tokens: '0'" '0,0,5\n'
trace 'no output' "case.csv:2:6: output_tokens: '0'" '0,10,0\n'
trace 'a negative output' "output_tokens: '-5'" '0,10,-5\n'
trace 'half an output' "output_tokens: '2.5'" '0,10,2.5\n'
trace 'a huge prompt' "prompt_tokens: '99999999999999999999999'" '0,99999999999999999999999,5\n'
trace 'a prompt beyond the limit' "prompt_tokens: '100000001'" '0,100000001,5\n'
trace 'a negative time' "arrival_s: '-1'" '-1,10,5\n'
trace 'a huge time' "arrival_s: '1e30'" '1e30,10,5\n'
trace 'a time beyond the limit' "arrival_s: '99999999999'" '0,10,5\n99999999999,10,5\n'
trace 'a time stretched beyond the limit' 'within 146 years' '0,10,5\n4000000000,10,5\n' -s workload.rate_scale=0.1
trace 'a run without an end' 'does not end within 146 simulated years' '0,10,5\n4611686017,10,5\n' \
    -s 'cost={model: linear, base: 1e6 s}'
trace 'a time that runs back' 'case.csv:1027:1: time runs back by 1 s, across more than the 1024 rows' \
    "$(printf '2,10,5\\n%.0s' {1..1025})1,10,5\n"
trace 'a field too many' 'case.csv:2:8: one field too many' '0,10,5,7\n'
trace 'an empty line' 'case.csv:3:1: an empty line between rows' '0,10,5\n\n1,10,5\n'
trace 'a NUL' 'case.csv:2:3: prompt_tokens: a NUL byte' '0,1\0,5\n'
trace 'a long line' 'case.csv:3:1: a line of more than 1048576 bytes' "0,10,5\n%01048577d\n"
trace 'a bad row behind good ones' 'case.csv:5002:1: arrival_s' "$(printf '1,1,1\\n%.0s' {1..5000})x,1,1\n"
seq 0 5000 | sed '1i arrival_s,prompt_tokens,output_tokens
s/$/,10,5/' | gzip | head -c 8000 >case.csv
with 'a trace that is cut off' 'the file ends within its gzip data: it is cut off' workload.trace=case.csv
head -c 5 trace.csv | gzip | cat - trace.csv >case.csv
with 'text behind compressed text' 'case.csv: the gzip data cannot be read: incorrect header check' workload.trace=case.csv
azure 'no date' "case.csv:3:1: TIMESTAMP: 'yesterday' is not a time" yesterday
azure 'a cut date' "TIMESTAMP: '2023-11-16 18:00'" '2023-11-16 18:00'
azure 'February 30' 'is not a date of the calendar' '2024-02-30 00:00:00'
azure 'month 13' 'is not a date of the calendar' '2023-13-01 00:00:00'
azure '25 o.clock' 'is not a time of day' '2023-11-16 25:00:00'
azure 'a far year' 'is not a date from 1970' '9999-01-01 00:00:00'
azure 'a bad offset' "TIMESTAMP: '2023-11-16 18:00:00+1'" '2023-11-16 18:00:00+1'
azure 'dates too far apart' 'too late: ' '2190-11-16 18:00:00'
printf 'arrival_s,prompt_tokens,output_tokens,client,priority\n0,10,5,a,1\n1,10,5,b,high\n' >case.csv
with 'a priority that is none' "case.csv:3:10: priority: 'high' is not a whole number" workload.trace=case.csv
printf 'arrival_s,prompt_tokens,output_tokens,client,priority\n0,10,5,a\n' >case.csv
with 'a row without its priority' 'case.csv:2:9: the row ends before its priority' workload.trace=case.csv
with 'ids of a trace without' "trace.csv: a trace of format 'llmsim', for which 'prefix_block_tokens' has no meaning" workload.prefix_block_tokens=16
mooncake 'no JSON' 'case.jsonl:2:1: not JSON' '0,10,5'
mooncake 'cut JSON' 'case.jsonl:2:37: not JSON: the row ends before a comma' '{"timestamp": 1, "input_length": 600'
mooncake 'a key that is missing' "case.jsonl:2:36: the row ends without 'input_length'" '{"timestamp": 1, "output_length": 5}'
mooncake 'a key twice in a row' "case.jsonl:2:18: 'timestamp' is given twice" '{"timestamp": 1, "timestamp": 1}'
mooncake 'a text for a time' "case.jsonl:2:15: timestamp: '\"now\"' is not a time from 0" '{"timestamp": "now"}'
mooncake 'a negative id' "case.jsonl:2:15: hash_ids: '-1' is not a whole number from 0" '{"hash_ids": [-1]}'
mooncake 'blocks of another size' 'case.jsonl:2:71: hash_ids: 3 ids, where 2 are expected for 600 tokens at 512 each: set workload.prefix_block_tokens' \
    '{"timestamp": 1, "input_length": 600, "output_length": 5, "hash_ids": [1, 2, 3]}'
mooncake 'blocks of a wrong size' 'case.jsonl:1:71: hash_ids: 2 ids, where 38 are expected for 600 tokens at 16 each' '' workload.prefix_block_tokens=16

# --- the command line

fails 'no arguments' 2 'no configuration given'
fails 'no configuration' 2 'no configuration given' run
fails 'a command that is none' 2 "no command and no configuration 'rum' (did you mean 'run'?)" rum base.yaml
fails 'two configurations' 2 'more than one configuration' base.yaml base.yaml
run_fails 'an unknown command' 2 "no command and no configuration 'simulate'" simulate
fails 'an unknown long option' 2 "unknown option '--jsn'" base.yaml --jsn out.json
fails 'an unknown short option' 2 "unknown option '-x'" base.yaml -x
fails 'an unknown option among others' 2 "unknown option '-x'" base.yaml -qxq
fails 'a value for an option without' 2 "--quiet=3" base.yaml --quiet=3
fails 'an option without its value' 2 "'--json' needs a value" base.yaml --json
fails 'a short option without its value' 2 "'-s' needs a value" base.yaml -s
fails 'an option of two lines' 2 'unknown option' base.yaml $'--a\nb'
fails 'help of two lines' 2 'there is no command' help $'a\nb'
run_fails 'a file name of two lines' 2 "no configuration 'a?b'" $'a\nb'
run_fails 'no override' 2 '-s seed: expected KEY=VALUE' base.yaml -s seed
with 'an override without a key' 'expected KEY=VALUE' =5
with 'an override of an empty key' 'an empty key' engine..block_size=5
with 'an override inside a value' "'seed' is not a section" seed=1 seed.x=5
with 'an override that is no YAML' '-s seed=[:2:1: not valid YAML' 'seed=['
with 'an override of an unknown key' "-s sed=1: unknown key 'sed' in a configuration (did you mean 'seed'?)" sed=1
run_fails 'a seed that is no number' 2 "-s seed=abc: 'seed' must be a number" base.yaml --seed abc
fails 'help for nothing' 2 "there is no command 'nothing'" help nothing
fails 'an unknown trace command' 2 "there is no 'make'" trace make generated.yaml
fails 'no trace command' 2 'nothing is said of what to do' trace
fails 'a trace command misspelt' 2 "(did you mean 'generate'?)" trace genrate generated.yaml
fails 'no trace to look at' 2 'info: one trace is wanted, not 0' trace info
fails 'no trace to fit to' 2 'fit: one trace is wanted, not 2' trace fit a b
printf '0,10,5\n0,20,5\n' | cat <(echo arrival_s,prompt_tokens,output_tokens) - >at_once.csv
fails 'no rate to fit' 2 'arrives at one moment' trace fit at_once.csv
fails 'a setting that is no workload' 2 'only workload.KEY=VALUE and seed=N' trace info case.csv -s engine.block_size=1
fails 'a trace of no configuration' 2 'one configuration is wanted, not 0' trace generate
fails 'an unknown trace format' 2 "(did you mean 'azure'?)" trace generate generated.yaml --format azur
fails 'a trace of a wrong configuration' 2 'missing.yaml: cannot be opened' trace generate missing.yaml -o out.csv
fails 'a trace of a closed loop' 2 'a closed loop cannot be written as a trace' trace generate generated.yaml \
    -s workload.arrivals='{process: closed, concurrency: 2}' -o out.csv
trace 'a bad row' 'case.csv:3:1' '0,10,5\nx\n'
fails 'a trace out of a bad one' 2 'case.csv:3:1' trace generate base.yaml -s workload.trace=case.csv -o out.csv

# --- output

fails 'JSON into no directory' 1 'missing/x: cannot be written' base.yaml --json missing/x --requests out.csv
fails 'JSON into a directory' 1 'directory: cannot be written: Is a directory' base.yaml --json directory --requests out.csv
fails 'JSON where nobody may write' 1 '/proc/x: cannot be written' base.yaml --json /proc/x --requests out.csv
fails 'JSON into no name' 1 'cannot be written' base.yaml --json '' --requests out.csv
fails 'requests into no directory' 1 'missing/x: cannot be written' base.yaml --requests missing/x --json out.json
fails 'requests onto a full disk' 1 '/dev/full: cannot be written: No space left' base.yaml -q --requests /dev/full --json out.json
fails 'JSON onto a full disk' 1 '/dev/full: cannot be written: No space left' base.yaml -q --json /dev/full --requests out.csv
fails 'one file for both' 2 'out.csv: cannot hold both' base.yaml --json out.csv --requests out.csv
fails 'one file for both, by two names' 2 'cannot hold both' base.yaml --json out.json --requests ./out.json
cp base.yaml precious.yaml
fails 'the trace as output' 2 './trace.csv: would overwrite trace.csv' base.yaml --requests ./trace.csv
fails 'the configuration as output' 2 'precious.yaml: would overwrite precious.yaml' precious.yaml --json ./precious.yaml
fails 'stdout for both' 2 'cannot hold both' base.yaml --json - --requests -
fails 'a timeline and requests in one' 2 'out.csv: cannot hold both' base.yaml --requests out.csv --timeline out.csv
fails 'the timeline onto a full disk' 1 '/dev/full: cannot be written: No space left' base.yaml -q --timeline /dev/full --json out.json
fails 'events onto a full disk' 1 '/dev/full: cannot be written: No space left' base.yaml -q --perfetto /dev/full --json out.json
fails 'a timeline over the trace' 2 'would overwrite trace.csv' base.yaml --timeline trace.csv
fails 'a trace into no directory' 1 'missing/x: cannot be written' trace generate generated.yaml -o missing/x
fails 'a trace onto a full disk' 1 'cannot be written: No space left' trace generate generated.yaml -o /dev/full

# stdout_fails NAME ARGUMENT...: with stdout full, then closed.
stdout_fails() {
    local title=$1
    shift
    echo before >out.json
    : >stdout
    name="$title, stdout full"
    "$llmsim" "$@" >/dev/full 2>stderr </dev/null
    got=$?
    check 1 'stdout: cannot be written: No space left on device'
    name="$title, stdout closed"
    "$llmsim" "$@" >&- 2>stderr </dev/null
    got=$?
    check 1 'stdout: cannot be written: Bad file descriptor'
}
stdout_fails 'table' base.yaml -q
stdout_fails 'table beside files' base.yaml -q --json out.json --requests out.csv
stdout_fails 'JSON' base.yaml -q --json -
stdout_fails 'JSON beside requests' base.yaml -q --json - --requests out.csv
stdout_fails 'requests' base.yaml -q --requests -
stdout_fails 'many requests beside JSON' generated.yaml -q -s workload.num_requests=5000 --requests - --json out.json
stdout_fails 'configuration' base.yaml --print-config
stdout_fails 'help' --help
stdout_fails 'keys' help config
stdout_fails 'version' --version
stdout_fails 'trace' trace generate generated.yaml

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
