#!/bin/bash
# test_calibrate_server.sh LLMSIM TOP: an accelerator fitted to a server's log. The server is llmsim itself on
# an accelerator of other parameters, which the fit must find, within its stated errors, or refuse.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# fit ARGUMENT...: llmsim calibrate base.yaml so; its status is kept.
fit() {
    "$llmsim" calibrate base.yaml "$@" -q >stdout 2>stderr </dev/null
    status=$?
}

# refuses TEXT ARGUMENT...: it ends with status 2, says the text, and leaves nothing.
refuses() {
    local text=$1
    shift
    fit "$@" -o refused.yaml
    expect "status of $*" test $status = 2
    expect "'$text' of $*" grep -qF -- "$text" stderr
    expect "no result of $*" test ! -s stdout
    expect "no file of $*" test ! -e refused.yaml
}

# finds NAME VALUE ERROR: the parameter of fit.json is this, within so many of its standard errors and a little.
finds() {
    expect "$1 is $2" python3 -c 'import json, sys
name, truth, slack = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
found = {parameter["name"]: parameter for parameter in json.load(open("fit.json"))["parameters"]}[name]
value = float(found["after"].split()[0])
if "standard_error_s" in found:
    error = 1e6 * found["standard_error_s"]
else:
    error = found["standard_error"] * truth
print(name, value, "+-", error, "truth", truth)
sys.exit(not (abs(value - truth) <= 3 * error + slack and error > 0))' "$@"
}

cat >base.yaml <<END
model: $top/configs/models/llama-3.1-8b.yaml
accelerator: $top/configs/accelerators/rtx-pro-6000.yaml
engine: {max_num_seqs: 128, max_num_batched_tokens: 2048, max_model_len: 16000}
workload:
  arrivals: {process: poisson, rate: 3}
  prompt_tokens: {distribution: lognormal, mean: 1500, median: 800, max: 8000}
  output_tokens: {distribution: lognormal, mean: 200, median: 120, max: 2000}
  num_requests: 250
END
other=(-s accelerator.gemm.memory_efficiency=0.84087 -s accelerator.decode_attention.memory_efficiency=0.82845
       -s accelerator.host.prefill_step="8 ms")
"$llmsim" base.yaml -q "${other[@]}" --requests log.csv >/dev/null

# --- what is held is right: the others are found

fit --from-server log.csv --hold host.step --json fit.json -o fitted.yaml
expect 'a fit' test $status = 0
finds memory 0.84087 0.005
finds compute 0.8527 0.005
finds host.prefill_step 8000 200
expect 'the description is one' "$llmsim" base.yaml -q -s accelerator=fitted.yaml --json after.json
expect 'and says what it was fitted to' grep -q '^# Fitted to a server.s log by llmsim calibrate --from-server: log.csv (CSV), 250 requests' fitted.yaml
expect 'it predicts the log' python3 -c 'import json, sys
fit = json.load(open("fit.json"))
sys.exit(not (abs(fit["after"]["mean_e2e_pct"]) < 0.5 < abs(fit["before"]["mean_e2e_pct"]) and fit["held_out"]["mape_decode_pct"] < 1.5))'
"$llmsim" validate base.yaml --measured log.csv -s accelerator=fitted.yaml --json validated.json >/dev/null
expect 'as validate does' python3 -c 'import json, sys
fit, validated = json.load(open("fit.json")), json.load(open("validated.json"))
sys.exit(not abs(fit["after"]["mean_e2e_pct"] - validated["all"]["e2e"]["mean_ms"]["error_pct"]) < 1e-6)'
fit --from-server log.csv --hold host.step
expect 'a table' grep -qE '^  host.step +300 us +300 us +held' stdout
fit --from-server log.csv --hold memory --hold compute --hold host.step --hold host.prefill_step
expect 'nothing is left to fit' grep -q '^  after  *-' stdout

# --- what cannot be told is refused

refuses 'memory is not determined by this log: its effect is that of host.step' --from-server log.csv
"$llmsim" base.yaml -q -s engine.max_num_seqs=1 -s workload.arrivals.rate=0.1 -s workload.num_requests=60 \
    -s 'workload.prompt_tokens={distribution: constant, value: 100}' \
    -s 'workload.output_tokens={distribution: constant, value: 200}' --requests alone.csv >/dev/null
refuses 'compute is not determined by this log' --from-server alone.csv --hold host.step
head -n 15 log.csv >few.csv
refuses 'that is too few, 40 are the least' --from-server few.csv
refuses "--hold memroy: not a parameter of a server's log (did you mean 'memory'?)" --from-server log.csv --hold memroy
refuses 'the linear cost model has no accelerator to fit' --from-server log.csv -s 'cost={model: linear, base: 5 ms}'
refuses 'nothing.csv: cannot be opened' --from-server nothing.csv
refuses "unknown option '--fit'" --from-server log.csv --fit

all_held
