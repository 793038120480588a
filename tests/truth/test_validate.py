"""llmsim validate on a real vLLM server's log (see test_server_log.py): the issue's figures.

    test_validate.py LLMSIM SHARED

Mean TTFT, TPOT and E2E must be within 2 %, the mean absolute error of a request's E2E under 3 %, and what
is printed must be what Python makes of the same rows. Skipped (exit status 77) without SHARED/truth/e2e.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from test_server_log import CONFIG, LOG, METRICS, read_rows, simulate

NAMES = {"ttft_s": "ttft", "tpot_s": "tpot", "e2e_s": "e2e"}


def validate(llmsim, log):
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config.yaml")
        with open(config, "w") as file:
            file.write(CONFIG.format(trace=log + ".trace.jsonl"))
        command = [llmsim, "validate", config, "--measured", log + ".measured.csv"]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return json.loads(subprocess.run(command + ["--json", "-"], check=True, capture_output=True).stdout)


def main():
    llmsim, shared = sys.argv[1:3]
    log = os.path.abspath(os.path.join(shared, "truth", "e2e", LOG))
    if not os.path.exists(log + ".measured.csv"):
        print("skipped: no", log)
        return 77
    report = validate(llmsim, log)
    measured = read_rows(log + ".measured.csv")
    simulated = simulate(llmsim, log + ".trace.jsonl")
    passed = report["replayed"] == "trace" and report["queued_by"] == "measured"
    for metric in METRICS:
        all_requests = report["all"][NAMES[metric]]
        pairs = [(ours[metric], theirs[metric]) for ours, theirs in zip(simulated, measured)]
        error = 100 * (statistics.mean(ours for ours, _ in pairs) / statistics.mean(theirs for _, theirs in pairs) - 1)
        mape = 100 * statistics.mean(abs(ours / theirs - 1) for ours, theirs in pairs)
        print(f"{metric}: {error:+.3f} %, MAPE {mape:.3f} %, by Python")
        passed = passed and abs(all_requests["mean_ms"]["error_pct"]) < 2
        passed = passed and abs(all_requests["mean_ms"]["error_pct"] - error) < 0.01
        passed = passed and abs(all_requests["mape_pct"] - mape) < 0.01
    return 0 if passed and report["all"]["e2e"]["mape_pct"] < 3 else 1


if __name__ == "__main__":
    sys.exit(main())
