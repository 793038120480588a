"""A real vLLM server's log against llmsim: Llama-3.1-8B on an RTX PRO 6000, prefix caching on.

    test_server_log.py LLMSIM SHARED

Prints mean, p50, p90 and p99 beside the measured ones. The means of TTFT, TPOT and E2E must be within
3 %, and for requests that found no queue the mean time from scheduling to the first token within 5 %.

Why from scheduling: the log's arrivals are the instants at which the server took requests in, between
two steps (119 of 300 fall within 0.5 ms behind a known end of a step). Replayed, such an arrival falls
anywhere in a simulated step and waits for the rest of it, half a step on average, which the log does
not show. Skipped (exit status 77) without SHARED/truth/e2e.
"""

import csv
import os
import statistics
import subprocess
import sys
import tempfile

LOG = "rtxpro6000_llama31_8b"
METRICS = ("ttft_s", "tpot_s", "e2e_s")
UNQUEUED_S = 0.001

CONFIG = """
model: llama-3.1-8b
accelerator: rtx-pro-6000
engine: {{max_num_seqs: 128, max_num_batched_tokens: 2048}}
workload: {{trace: {trace}, prefix_block_tokens: 16}}
"""


def read_rows(path):
    with open(path) as file:
        return [{key: float(value) for key, value in row.items() if key != "status"}
                for row in csv.DictReader(file)]


def simulate(llmsim, trace):
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config.yaml")
        requests = os.path.join(directory, "requests.csv")
        with open(config, "w") as file:
            file.write(CONFIG.format(trace=trace))
        subprocess.run([llmsim, config, "-q", "--requests", requests], check=True, stdout=subprocess.DEVNULL)
        return read_rows(requests)


def figures(rows, metric):
    values = [row[metric] for row in rows]
    quantiles = statistics.quantiles(values, n=100, method="inclusive")
    return statistics.mean(values), quantiles[49], quantiles[89], quantiles[98]


def service_s(row):
    return row["first_token_s"] - row["scheduled_s"]


def main():
    llmsim, shared = sys.argv[1:3]
    log = os.path.abspath(os.path.join(shared, "truth", "e2e", LOG))
    if not os.path.exists(log + ".measured.csv"):
        print("skipped: no", log)
        return 77
    measured = read_rows(log + ".measured.csv")
    simulated = simulate(llmsim, log + ".trace.jsonl")
    passed = len(measured) == len(simulated)
    print("error                mean       p50       p90       p99")
    for metric in METRICS:
        errors = [100 * (ours / theirs - 1)
                  for ours, theirs in zip(figures(simulated, metric), figures(measured, metric))]
        print(f"{metric:14}" + "".join(f"{error:+9.2f}%" for error in errors))
        passed = passed and abs(errors[0]) < 3
    unqueued = [(ours, theirs) for ours, theirs in zip(simulated, measured)
                if theirs["scheduled_s"] - theirs["arrival_s"] < UNQUEUED_S]
    ours_s = sum(service_s(ours) for ours, _ in unqueued)
    theirs_s = sum(service_s(theirs) for _, theirs in unqueued)
    error = 100 * (ours_s / theirs_s - 1)
    print(f"{len(unqueued)} unqueued requests, from scheduling to first token: {error:+.2f} %")
    raw = statistics.mean(ours["ttft_s"] for ours, _ in unqueued)
    raw_error = 100 * (raw / statistics.mean(theirs["ttft_s"] for _, theirs in unqueued) - 1)
    print(f"their TTFT, from the arrival in the log: {raw_error:+.2f} %")
    return 0 if passed and abs(error) < 5 else 1


if __name__ == "__main__":
    sys.exit(main())
