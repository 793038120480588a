"""An accelerator fitted to a real vLLM server's log (see test_server_log.py).

    test_server_fit.py LLMSIM SHARED

Bandwidth and the host's time of a step do much the same to this log, so one of them is held. What is fitted to one
half of the log must predict the decode times of the other within 1.5 %, and the run as a whole no worse than before.
Skipped (exit status 77) without SHARED/truth/e2e.
"""

import json
import os
import subprocess
import sys
import tempfile

from test_server_log import CONFIG, LOG


def main():
    llmsim, shared = sys.argv[1:3]
    log = os.path.abspath(os.path.join(shared, "truth", "e2e", LOG))
    if not os.path.exists(log + ".measured.csv"):
        print("skipped: no", log)
        return 77
    passed = True
    for held in ("memory", "host.step"):
        with tempfile.TemporaryDirectory() as directory:
            config = os.path.join(directory, "config.yaml")
            with open(config, "w") as file:
                file.write(CONFIG.format(trace=log + ".trace.jsonl"))
            figures = os.path.join(directory, "fit.json")
            command = [llmsim, "calibrate", config, "--from-server", log + ".measured.csv", "--hold", held, "-q",
                       "--json", figures]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            with open(figures) as file:
                fit = json.load(file)
        passed = passed and fit["held_out"]["mape_decode_pct"] < 1.5
        for metric in ("tpot", "e2e"):
            key = f"mean_{metric}_pct"
            passed = passed and abs(fit["after"][key]) <= abs(fit["before"][key])
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
