#!/bin/bash
# test_sweep_mpi.sh LLMSIM SOURCE: a sweep under mpirun (LLMSIM is built with -Dmpi=enabled) is the file that one
# thread writes, also after ranks have been killed.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

ranks() {
    local count=$1
    shift
    mpirun --allow-run-as-root --oversubscribe -n "$count" "$llmsim" sweep "$@"
}

cat >base.yaml <<END
model: $top/configs/models/llama-2-7b.yaml
accelerator: $top/configs/accelerators/a100-sxm-80gb.yaml
workload:
  arrivals: {process: poisson, rate: 8}
  prompt_tokens: {distribution: lognormal, mean: 600, median: 400, max: 3000}
  output_tokens: {distribution: lognormal, mean: 100, median: 60, max: 1000}
  num_requests: 4000
END
cat >sweep.yaml <<END
base: base.yaml
sweep:
  engine.max_num_seqs: [8, 16, 32, 64, 128, 256]
  workload.arrivals.rate: {from: 2, to: 8, count: 12, scale: log}
  engine.tensor_parallel_size: [1, 3]
END

"$llmsim" sweep sweep.yaml -j 1 -o one.csv -q >front
expect 'one thread' test -s one.csv
for count in 1 2 3; do
    ranks $count sweep.yaml -o ranks.csv >front_ranks 2>stderr
    expect "status of $count ranks" test $? = 0
    expect "$count ranks" cmp one.csv ranks.csv
    expect "$count ranks, the front" cmp front front_ranks
    expect "$count ranks, said once" test "$(grep -c '^144 runs (0 done before), 72 failed' stderr)" = 1
done
ranks 2 sweep.yaml -s engine.max_model_len=100000 -o warned.csv >/dev/null 2>stderr
expect 'a warning once' test "$(grep -c 'warning: max_model_len' stderr)" = 1
ranks 3 sweep.yaml --shard 1/2 -q -o first && ranks 2 sweep.yaml --shard 2/2 -q -o second
"$llmsim" sweep --merge first second -o merged.csv >front
expect 'shards of ranks' cmp one.csv merged.csv

# Rank 0 writes, others only run: each is killed now and then. Whoever of them it is, the job ends.
interrupted=0
for try in $(seq 9); do
    victim=$((try % 3))
    rm -f killed.csv killed.csv.partial
    ranks 3 sweep.yaml -o killed.csv -q >/dev/null 2>&1 &
    job=$!
    deadline=$((SECONDS + 20))
    until [ "$(cat killed.csv.partial 2>/dev/null | wc -l)" -gt $((try * 12)) ]; do
        kill -0 $job 2>/dev/null && [ $SECONDS -lt $deadline ] || break
    done
    for pid in $(pgrep -f "$llmsim sweep sweep.yaml -o killed.csv"); do
        if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$victim"; then
            kill -9 "$pid" 2>/dev/null
        fi
    done
    wait $job 2>/dev/null
    if [ -e killed.csv.partial ]; then
        interrupted=$((interrupted + 1))
        before=$(grep -c '"run"' killed.csv.partial)
        ranks 3 sweep.yaml -o killed.csv --resume >/dev/null 2>stderr
        expect "what had ended is not run again, $try" grep -Eq "^144 runs \((${before}|$((before - 1))) done before\)" stderr
    fi
    expect "the same after rank $victim was killed, $try" cmp one.csv killed.csv
    expect "nothing is left, $try" test ! -e killed.csv.partial
done
expect 'ranks were killed in time' test $interrupted -gt 3

ranks 3 nothing.yaml >stdout 2>stderr
expect 'an error is the status' test $? = 2
expect 'an error is said once' test "$(grep -c 'nothing.yaml: cannot be opened' stderr)" = 1
ranks 3 sweep.yaml -o one.csv/x >stdout 2>stderr
expect 'a file that cannot be written is said once' test "$(grep -c 'one.csv/x.partial: cannot be written' stderr)" = 1

all_held
