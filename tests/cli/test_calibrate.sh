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

# --- kernels of the accelerator below: t0 5 us, 0.8 of 100 TFLOP/s, 0.9 of 1 TB/s, p 2

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
  fixed: 9 us
  # a word about this
  compute_efficiency: 0.6   # a guess
  roofline_sharpness: 3

host:
  step: 1 ms
END
awk 'BEGIN {
    print "m,n,k,dtype,latency_us"
    for (m = 1; m <= 8192; m *= 2) for (n = 512; n <= 16384; n *= 2) for (k = 512; k <= 16384; k *= 2) {
        c = 2 * m * n * k / (100e12 * 0.8); b = 2 * (m * n + n * k + m * k) / (1e12 * 0.9)
        printf "%d,%d,%d,bfloat16,%.6f\n", m, n, k, 5 + 1e6 * sqrt(c * c + b * b)
    }
}' >gemm.csv
{ head -1 gemm.csv; grep -E '^(4096|8192),(8192|16384),(8192|16384),' gemm.csv; } >large.csv

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

# --- fit

"$llmsim" calibrate -a gpu.yaml --fit gemm.csv -o new.yaml --json fit.json >fit.txt 2>stderr ||
    wrong "fit: $(cat stderr)"
cat >expected.yaml <<'END'
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
# gemm.csv: 504 rows, mean error 0.0 %, median 0.0 %, bias X0.0 %.
# Shapes held out: mean error 0.0 %, median 0.0 %.
gemm:
  fixed: 5 us  # fitted
  # a word about this
  compute_efficiency: 0.8  # fitted
  roofline_sharpness: 2  # fitted
  memory_efficiency: 0.9  # fitted

host:
  step: 1 ms
END
if sed 's/bias [+-]/bias X/' new.yaml | diff - expected.yaml; then ok; else wrong 'the description'; fi
holds 'regimes' fit.txt 'memory, 100 us to 1 ms'
holds 'worst rows' fit.txt 'worst: gemm.csv:'
holds 'fits' fit.json '"status": "fitted"'
"$llmsim" calibrate -a new.yaml --check gemm.csv >again.txt 2>stderr || wrong 'checked again'
holds 'checked again' again.txt '504    0.00 %    0.00 %'
"$llmsim" calibrate -a gpu.yaml --fit gemm.csv -o - >stdout 2>stderr || wrong 'fit to stdout'
if cmp -s stdout new.yaml; then ok; else wrong 'the description on stdout is another'; fi
cp new.yaml again.yaml
"$llmsim" calibrate -a again.yaml --fit gemm.csv -o again.yaml >stdout 2>stderr || wrong 'fit in place'
if cmp -s again.yaml new.yaml; then ok; else wrong 'fitted twice is another description'; fi
"$llmsim" calibrate -a gpu.yaml --hold gemm.compute_efficiency --fit gemm.csv -o held.yaml >stdout 2>stderr ||
    wrong 'hold'
holds 'hold' held.yaml '  compute_efficiency: 0.6  # held'
grep -v '^gemm:' gpu.yaml | grep -vE '^  (fixed|# a word|compute|roofline)' >bare.yaml
"$llmsim" calibrate -a bare.yaml --fit gemm.csv -o full.yaml >stdout 2>stderr || wrong 'no section'
holds 'no section' full.yaml '  memory_efficiency: 0.9  # fitted'
sed 's/^name: .*/name: borrower\nefficiencies_from: h100-sxm/' bare.yaml | sed '/^# Guessed/,/^$/d; /^host/,$d' >borrower.yaml
"$llmsim" calibrate -a borrower.yaml --fit gemm.csv -o borrowed.yaml >borrowed.txt 2>stderr || wrong 'borrower'
holds 'borrower' borrowed.txt 'borrower (datasheet; efficiencies of h100-sxm)'
holds 'borrower' borrowed.yaml '  memory_efficiency: 0.9  # fitted'
printf 'm,n,k,dtype,latency_us\n1,2,3,int\033,4\n1,512,512,bfloat16,6\n' >escape.csv
"$llmsim" calibrate -a gpu.yaml --check escape.csv >escape.txt 2>stderr || wrong 'escape'
holds 'escape' escape.txt 'left out: 1 rows: dtype int?'
rm new.yaml

# --- what is wrong

fails 'undetermined' 'gemm.fixed cannot be determined' -a gpu.yaml --fit large.csv -o new.yaml
holds 'undetermined' stderr '--hold gemm.fixed'
fails 'no mode' 'one of --check and --fit' -a gpu.yaml gemm.csv
fails 'two modes' 'one of --check and --fit' -a gpu.yaml --check --fit gemm.csv
fails 'no accelerator' 'no accelerator given' --check gemm.csv
fails 'no file' 'no measurements given' -a gpu.yaml --check
fails 'fit to nowhere' '-o FILE' -a gpu.yaml --fit gemm.csv
fails 'check with output' '-o is of --fit' -a gpu.yaml --check gemm.csv -o new.yaml
fails 'hold in a check' '--hold is of --fit' -a gpu.yaml --check gemm.csv --hold gemm.fixed
fails 'unknown option' "unknown option '--frob'" -a gpu.yaml --check gemm.csv --frob
fails 'unknown accelerator' "accelerators/h100.yaml" -a h100 --check gemm.csv
fails 'missing file' 'absent.csv: cannot be opened' -a gpu.yaml --check absent.csv
fails 'unknown key held' "did you mean 'fixed'" -a gpu.yaml --fit gemm.csv -o new.yaml --hold gemm.fixd
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
fp32_flops: 1 TFLOP/s, sm_count: 50, l2_cache: 20 MB, gemm: {fixed: 9 us}}
END
fails 'flow style' 'block style' -a flow.yaml --fit gemm.csv -o new.yaml
sed '/^gemm:/,/^$/d' gpu.yaml >inline.yaml
echo 'gemm: {fixed: 9 us, compute_efficiency: 0.6}' >>inline.yaml
fails 'section in flow style' 'block style' -a inline.yaml --fit gemm.csv -o new.yaml

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
