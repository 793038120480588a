#!/bin/bash
# test_calibrate.sh LLMSIM SOURCE: llmsim calibrate as people type it: what it prints, what it writes,
# and that wrong input is one line, status 2, and no file.
set -u
llmsim=$(realpath "$1")
export LLMSIM_CONFIGS="$2/configs"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

ok() {
    passed=$((passed + 1))
}
wrong() {
    failed=$((failed + 1))
    printf 'FAIL %s\n' "$*"
}
# holds NAME FILE TEXT: the file has the text.
holds() {
    if grep -qF -- "$3" "$2"; then ok; else wrong "$1: no '$3' in: $(head -c 300 "$2")"; fi
}
# fails NAME TEXT ARGUMENT...: status 2, the text on stderr, nothing on stdout, new.yaml not made.
fails() {
    local name=$1 text=$2
    shift 2
    "$llmsim" calibrate "$@" >stdout 2>stderr </dev/null
    local got=$?
    if [ $got != 2 ]; then wrong "$name: status $got"; else ok; fi
    holds "$name" stderr "$text"
    if [ -s stdout ] || [ -e new.yaml ]; then wrong "$name: something was written"; else ok; fi
    rm -f new.yaml
}

# --- kernels of the accelerator below: t0 5 us and p 2 as they stand there, 0.8 of 100 TFLOP/s,
# --- 0.9 of 1 TB/s, a ramp of 0.5 us, 0.4 of a partial wave, 1.5 us a tile, 60 GB/s an SM, 2 us a split

cat >gpu.yaml <<'END'
# A small accelerator.
name: tiny-gpu
memory: 8 GiB  # half of it
memory_bandwidth: 1 TB/s
bf16_flops: 100 TFLOP/s
fp16_flops: 100 TFLOP/s
fp32_flops: 10 TFLOP/s
sm_count: 50
l2_cache: 20 MB

# Guessed.
# All of it.
gemm:
  fixed: 5 us  # known
  # a word about this
  compute_efficiency: 0.6   # a guess
  roofline_sharpness: 2

# Known.
moe:
  fixed: 10 us
  compute_efficiency: 0.5
  memory_efficiency: 0.8
  roofline_sharpness: 2

host:
  step: 1 ms
END
awk '
function ceiling(x) { return x == int(x) ? x : int(x) + 1 }
function larger(a, b) { return a > b ? a : b }
function tiles(bm, bn, s,    u, w, t) {
    u = larger(2 * bm * bn * 50 / (100e12 * 0.8), (bm + bn) * 2 / 60e9)
    w = ceiling(m / bm) * ceiling(n / bn) * s / 50
    t = larger(1, w + 0.4 * (ceiling(w) - w)) * (1.5e-6 + k / s * u)
    return s > 1 ? t + 2e-6 + 8 * s * m * n / (60e9 * 50) : t
}
function gemm(    i, s, t, c, b) {
    c = 1
    for (i = 1; i <= 5; i++) for (s = 1; s <= 16; s *= 2) {
        t = tiles(rows[i], columns[i], s)
        if (t < c) c = t
    }
    b = 2 * (m * n + n * k + m * k) / 1e12
    b = b / 0.9 + sqrt(0.5e-6 * b)
    return 5e-6 + sqrt(c * c + b * b)
}
BEGIN {
    split("16 64 64 128 128", rows); split("64 64 128 128 256", columns)
    count = split("512 640 1024 2880 8192 16384 28672", sizes)
    print "m,n,k,dtype,latency_us"
    for (m = 1; m <= 16384; m = m == 1 ? 2 : (m % 3 ? m * 1.5 : m / 3 * 4))
        for (i = 1; i <= count; i++) for (j = 1; j <= count; j++) {
            n = sizes[i]; k = sizes[j]
            printf "%d,%d,%d,bfloat16,%.6f\n", m, n, k, 1e6 * gemm()
        }
}' >gemm.csv
gemms=$(($(wc -l <gemm.csv) - 1))
{ head -1 gemm.csv; grep -E '^(6144|8192|12288|16384),(8192|16384|28672),(8192|16384|28672),' gemm.csv; } >large.csv

# --- check

"$llmsim" calibrate -a gpu.yaml --check gemm.csv --json check.json >check.txt 2>stderr || wrong 'check'
holds check check.txt 'tiny-gpu'
holds check check.txt 'gemm.csv'
holds check check.json '"kind": "gemm"'
for key in files file kind rows mape_pct median_ape_pct bias_pct all accelerator; do
    holds 'JSON' check.json "\"$key\":"
done
"$llmsim" calibrate --check gemm.csv -a gpu.yaml --json - >stdout.json 2>stderr || wrong 'check to stdout'
if cmp -s stdout.json check.json; then ok; else wrong 'JSON on stdout is another'; fi
gzip -c gemm.csv >packed && "$llmsim" calibrate --check packed -a gpu.yaml --json - >stdout.json 2>stderr
if diff <(sed 's/"packed"/"gemm.csv"/' stdout.json) check.json >diff.txt; then ok; else wrong "gzip: $(<diff.txt)"; fi

# --- fit

"$llmsim" calibrate -a gpu.yaml --fit gemm.csv -o new.yaml --json fit.json >fit.txt 2>stderr ||
    wrong "fit: $(cat stderr)"
cat >expected.yaml <<END
# A small accelerator.
name: tiny-gpu
memory: 8 GiB  # half of it
memory_bandwidth: 1 TB/s
bf16_flops: 100 TFLOP/s
fp16_flops: 100 TFLOP/s
fp32_flops: 10 TFLOP/s
sm_count: 50
l2_cache: 20 MB

# Fitted by llmsim calibrate: least squares on the logarithm of predicted over measured time, robust
# against outliers.
# gemm.csv: $gemms rows, mean error 0.0 %, median 0.0 %, bias X0.0 %.
# Shapes held out: mean error 0.0 %, median 0.0 %.
gemm:
  fixed: 5 us  # known
  # a word about this
  compute_efficiency: 0.8  # fitted
  roofline_sharpness: 2
  memory_efficiency: 0.9  # fitted
  memory_ramp: 0.5 us  # fitted
  wave_quantisation: 0.4  # fitted
  tile: 1.5 us  # fitted
  sm_bandwidth: 60 GB/s  # fitted
  split: 2 us  # fitted

# Known.
moe:
  fixed: 10 us
  compute_efficiency: 0.5
  memory_efficiency: 0.8
  roofline_sharpness: 2

host:
  step: 1 ms
END
if sed 's/bias [+-]/bias X/' new.yaml | diff - expected.yaml; then ok; else wrong 'the description'; fi
holds 'regimes' fit.txt 'memory, 100 us to 1 ms'
holds 'worst rows' fit.txt 'worst: gemm.csv:'
holds 'fits' fit.json '"status": "fitted"'
"$llmsim" calibrate -a new.yaml --check gemm.csv >again.txt 2>stderr || wrong 'checked again'
holds 'checked again' again.txt "$gemms    0.00 %    0.00 %"
"$llmsim" calibrate -a gpu.yaml --fit gemm.csv -o - >stdout 2>stderr || wrong 'fit to stdout'
if cmp -s stdout new.yaml; then ok; else wrong 'the description on stdout is another'; fi
cp new.yaml again.yaml
"$llmsim" calibrate -a again.yaml --fit gemm.csv -o again.yaml >stdout 2>stderr || wrong 'fit in place'
if cmp -s again.yaml new.yaml; then ok; else wrong 'fitted twice is another description'; fi
sed 's/0.6 /0.78 /' gpu.yaml >near.yaml
"$llmsim" calibrate -a near.yaml --hold gemm.compute_efficiency --fit gemm.csv -o held.yaml >stdout 2>stderr ||
    wrong 'hold'
holds 'hold' held.yaml '  compute_efficiency: 0.78  # held'
# The presets of what is not fitted are another t0 and p: near enough.
sed '/^# Guessed/,/^$/d' gpu.yaml >bare.yaml
"$llmsim" calibrate -a bare.yaml --fit gemm.csv -o full.yaml >stdout 2>stderr || wrong 'no section'
if grep -qE '^  tile: [0-9.]+ us  # fitted' full.yaml; then ok; else wrong 'no section'; fi
# A borrower has a section of its own then: what is not fitted in it is still the lender's.
sed 's/compute_efficiency: 0.6 .*/compute_efficiency: 0.6/; s/tiny-gpu/lender/; s/  fixed: 5 us.*/  fixed: 5.00000 us/' gpu.yaml >lender.yaml
sed '/^name: /s/.*/name: borrower\nefficiencies_from: lender.yaml/; /^# Known/,$d' bare.yaml >borrower.yaml
"$llmsim" calibrate -a borrower.yaml --fit gemm.csv -o borrowed.yaml >borrowed.txt 2>stderr || wrong "borrower: $(cat stderr)"
holds 'borrower' borrowed.txt 'borrower (datasheet; efficiencies of lender)'
holds 'borrower' borrowed.yaml '  fixed: 5.00000 us'
holds 'borrower' borrowed.yaml '  roofline_sharpness: 2'
holds 'borrower' borrowed.yaml '  memory_efficiency: 0.9  # fitted'
"$llmsim" calibrate -a borrowed.yaml --check gemm.csv >again.txt 2>stderr || wrong 'borrower checked again'
holds 'borrower checked again' again.txt "$gemms    0.00 %    0.00 %"
printf 'm,n,k,dtype,latency_us\n1,2,3,int\033,4\n1,512,512,bfloat16,6\n' >escape.csv
"$llmsim" calibrate -a gpu.yaml --check escape.csv >escape.txt 2>stderr || wrong 'escape'
holds 'escape' escape.txt 'left out: 1 rows: dtype int?'
rm new.yaml

# --- experts: all 8 of them get 16 pairs in blocks of 64 rows, or 6 get one in blocks of 16

awk 'BEGIN {
    print "num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,dtype,distribution,latency_us"
    for (row = 0; row < 2; row++) {
        tokens = row ? 3 : 64; active = row ? 6 : 8; rows = row ? 96 : 512
        c = 2 * 3 * 1024 * 512 * rows / (100e12 * 0.5); b = 2 * 3 * 1024 * 512 * active / (1e12 * 0.8)
        a = 2 * tokens * 2 * (3 * 1024 + 2 * 3 * 512) / (1e12 * 0.8)
        printf "%d,1024,512,2,8,1,1,bfloat16,balanced,%.6f\n", tokens, 1e6 * (10e-6 + sqrt(c * c + b * b) + a)
    }
    print "64,1024,512,2,8,1,1,bfloat16,zipf,50"
}' >moe.csv
"$llmsim" calibrate -a gpu.yaml --check moe.csv --json moe.json >moe.txt 2>stderr || wrong 'experts'
holds 'experts' moe.json '"kind": "moe"'
holds 'experts' moe.txt '2    0.00 %    0.00 %'
holds 'experts' moe.json '"bfloat16 balanced"'
holds 'experts' moe.txt 'left out: 1 rows: distribution zipf'

# --- implementations

sed '$ a interconnect:\n  kind: nvlink\n  bandwidth: 300 GB/s' gpu.yaml >linked.yaml
cat >comm.csv <<'END'
impl,version,mode,collective,num_gpus,bytes,dtype,latency_us
vllm,0.19.0,graph,all_reduce,2,256,bfloat16,5
vllm,0.24.0,graph,all_reduce,2,256,bfloat16,5
nccl-tests,2.27,graph,all_gather,2,256,bfloat16,5
trtllm,1,graph,all_reduce,2,256,bfloat16,5
END
"$llmsim" calibrate -a linked.yaml --check comm.csv >comm.txt 2>stderr || wrong 'implementation'
holds 'vllm where none is said' comm.txt 'left out: 2 rows: not of vllm'
"$llmsim" calibrate -a linked.yaml --check comm.csv --implementation vllm/0.24.0,nccl-tests >comm.txt 2>stderr ||
    wrong 'implementations'
holds 'implementations' comm.txt 'left out: 2 rows: not of vllm/0.24.0,nccl-tests'
holds 'implementations' comm.txt 'all_gather nccl-tests'
holds 'implementations' comm.txt 'all_reduce vllm 0.24.0'

# --- what is wrong

fails 'undetermined' 'gemm.split cannot be determined' -a gpu.yaml --fit large.csv -o new.yaml
holds 'undetermined' stderr '--hold gemm.split'
fails 'no mode' 'one of --check and --fit' -a gpu.yaml gemm.csv
fails 'two modes' 'one of --check and --fit' -a gpu.yaml --check --fit gemm.csv
fails 'no accelerator' 'no accelerator given' --check gemm.csv
fails 'no file' 'no measurements given' -a gpu.yaml --check
fails 'fit to nowhere' '-o FILE' -a gpu.yaml --fit gemm.csv
fails 'check with output' '-o is of --fit' -a gpu.yaml --check gemm.csv -o new.yaml
fails 'hold in a check' '--hold is of --fit' -a gpu.yaml --check gemm.csv --hold gemm.tile
fails 'unknown option' "unknown option '--frob'" -a gpu.yaml --check gemm.csv --frob
fails 'unknown accelerator' "accelerators/h100.yaml" -a h100 --check gemm.csv
fails 'missing file' 'absent.csv: cannot be opened' -a gpu.yaml --check absent.csv
fails 'unknown key held' "did you mean 'tile'" -a gpu.yaml --fit gemm.csv -o new.yaml --hold gemm.tle
printf '%s\n' batch_size,q_len,kv_len,num_heads,num_kv_heads,head_dim,attn_dtype,kv_cache_dtype,latency_us,l2_warm \
    4,1,8,32,8,128,bfloat16,bfloat16,9.5,1 >warm.csv
fails 'rows for a fit alone' 'nothing to compare: every row is left out (l2_warm' -a gpu.yaml --check warm.csv
fails 'key held that is not fitted' 'not a fitted key' -a gpu.yaml --fit gemm.csv -o new.yaml --hold gemm.fixed
printf 'm,n,k,dtype,latency_us\n1,2,3,bfloat16,0\n' >zero.csv
fails 'bad row' 'zero.csv:2:16: latency_us' -a gpu.yaml --check gemm.csv zero.csv
printf 'm,n,k,dtype,latency_us\n1,2,3,int1,4\n' >narrow.csv
fails 'nothing left' 'every row is left out (dtype int1)' -a gpu.yaml --check narrow.csv
cp gemm.csv before.csv
fails 'over a measurement' 'would overwrite gemm.csv' -a gpu.yaml --fit gemm.csv -o gemm.csv
fails 'JSON over a measurement' 'would overwrite ./gemm.csv' -a gpu.yaml --check ./gemm.csv --json gemm.csv
if cmp -s gemm.csv before.csv; then ok; else wrong 'a measurement was changed'; fi
fails 'both to stdout' 'cannot hold both' -a gpu.yaml --fit gemm.csv -o - --json -
tr '\n' ' ' <<'END' >flow.yaml
{name: g, memory: 8 GiB, memory_bandwidth: 1 TB/s, bf16_flops: 100 TFLOP/s, fp16_flops: 1 TFLOP/s,
fp32_flops: 1 TFLOP/s, sm_count: 50, l2_cache: 20 MB, gemm: {fixed: 5 us, roofline_sharpness: 2}}
END
fails 'flow style' 'block style' -a flow.yaml --fit gemm.csv -o new.yaml
sed '/^gemm:/,/^$/d' gpu.yaml >inline.yaml
echo 'gemm: {fixed: 5 us, roofline_sharpness: 2, compute_efficiency: 0.6}' >>inline.yaml
fails 'section in flow style' 'block style' -a inline.yaml --fit gemm.csv -o new.yaml

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
