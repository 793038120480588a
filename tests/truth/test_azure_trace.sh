#!/bin/sh
# test_azure_trace.sh LLMSIM SHARED: Azure's conversation trace, replayed whole on one H100, loses
# nothing. Skips where the trace is not there.
set -eu
llmsim=$1
trace=$2/traces/AzureLLMInferenceTrace_conv.csv
if [ ! -r "$trace" ]; then
    echo "skipped: $trace is not there"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/config.yaml" <<EOF
model: llama-3.1-8b
accelerator: h100-sxm
workload: {trace: $trace}
EOF
"$llmsim" "$work/config.yaml" -q --json "$work/summary.json" --requests "$work/requests.csv" >"$work/table"
for figure in '"completed": 19366' '"failed": 0' '"total_input_tokens": 22361870' \
    '"total_output_tokens": 4088665'; do
    grep -q "$figure," "$work/summary.json" || { echo "FAIL: not $figure"; exit 1; }
done
# Counted from the trace itself, and not by llmsim.
awk -F, 'NR > 1 { rows++; prompt += $2; output += $3 } END { print rows, prompt, output }' \
    "$trace" >"$work/expected"
awk -F, 'NR > 1 { rows++; prompt += $3; output += $4 } END { print rows, prompt, output }' \
    "$work/requests.csv" >"$work/found"
diff "$work/expected" "$work/found"
echo "5 passed, 0 failed"
