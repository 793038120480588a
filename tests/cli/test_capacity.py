#!/usr/bin/env python3
"""test_capacity.py LLMSIM TOP: the capacity that is found is a fine grid's, with fifteen runs at most; what a
load needs and costs follows from it; of a sweep, the cheapest; what is wrong is refused."""
import json
import os
import subprocess
import sys
import tempfile

llmsim, top = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
os.chdir(tempfile.mkdtemp())
BASE = f"""model: {top}/configs/models/llama-2-7b.yaml
accelerator: {top}/configs/accelerators/a100-sxm-80gb.yaml
workload:
  arrivals: {{process: poisson, rate: 4}}
  prompt_tokens: {{distribution: lognormal, mean: 600, median: 400, max: 3000}}
  output_tokens: {{distribution: lognormal, mean: 100, median: 60, max: 1000}}
  num_requests: 1500
"""
open("base.yaml", "w").write(BASE)
checks = 0


def check(condition, text):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAIL {text}")


def run(*arguments, status=0):
    done = subprocess.run([llmsim, *arguments], capture_output=True, text=True)
    check(done.returncode == status, f"{arguments}: status {done.returncode}: {done.stderr}")
    return done


def overrides(sets):
    return [word for text in sets for word in ("-s", text)]


def find(*arguments, config="base.yaml"):
    return json.loads(run("capacity", config, "-q", "--json", "-", *arguments).stdout)


def keeps(found, row):
    """Whether a sweep's row keeps all promises, by its own figures."""
    for promise in found["slo"]:
        if promise["name"] == "goodput":
            good = row["request_goodput"] * row["duration"] / (row["completed"] + row["failed"])
            if good < promise["limit"]:
                return False
        elif row[promise["name"]] > promise["limit"]:
            return False
    return not (found["keeps_up"] and row["saturation"] == "overloaded")


# --- against a grid of half a per cent, 15 % to either side

for sets in [
    ["slo={ttft: {p99: 1 s}, tpot: {p99: 50 ms}}"],
    ["slo={ttft: {mean: 200 ms}}", "seed=7", "workload.num_requests=400"],
    ["slo={e2e: {p95: 10 s}}", "workload.num_requests=800", "engine.scheduler=sarathi"],
    ["slo={itl: {p99: 90 ms}}"],
    ["slo={tpot: {p90: 30 ms}}"],
    ["slo={ttft: 300 ms, tpot: 40 ms, goodput: 0.95}"],
    ["slo={ttft: 1 s}", "workload.arrivals={process: gamma, cv: 2, rate: 400}"],
    ["slo={ttft: {p99: 2 s}}", "workload.arrivals={process: poisson, rate: 4, profile: diurnal, period: 100 s, amplitude: 0.5}"],
]:
    found = find(*overrides(sets))
    check(found["runs"] <= 15, f"{sets}: {found['runs']} runs")
    check(found["precision"] <= 0.01 + 1e-6, f"{sets}: precision {found['precision']}")
    key, capacity = found["key"], found["capacity"]
    with open("grid.yaml", "w") as file:
        file.write(f"base: base.yaml\nsweep: {{{key}: {{from: {0.85 * capacity}, to: {1.15 * capacity}, count: 61}}}}\n")
    run("sweep", "grid.yaml", "-q", "-o", "grid.jsonl", *overrides(sets))
    rows = [json.loads(line) for line in open("grid.jsonl")]
    answer = max(float(row["values"][key]) for row in rows if keeps(found, row))
    check(abs(answer / capacity - 1) <= 0.02, f"{sets}: {capacity}, a grid's answer is {answer}")
    single = json.loads(run("base.yaml", "-q", "--json", "-", *overrides(sets), "-s", f"{key}={capacity:.12g}").stdout)
    best = [point for point in found["points"] if point["load"] == capacity][0]
    for figure in ("p99_ttft_ms", "mean_tpot_ms", "output_throughput"):
        check(best[figure] == single[figure], f"{sets}: {figure} is not the run's")

# --- users of a closed loop are whole

closed = ["-s", "workload.arrivals={process: closed, concurrency: 4}", "-s", "slo.ttft.p90=0.2"]
found = find(*closed)
check(found["key"] == "workload.arrivals.concurrency" and found["capacity"] == int(found["capacity"]), "whole users")
kept = {point["load"]: point["meets_slo"] for point in found["points"]}
check(kept[found["capacity"]] and not kept[found["too_much"]], "the ends of the bracket")
check(found["precision"] <= 0.01 or found["too_much"] - found["capacity"] == 1, "no user between them")

# --- replications

found = find("-s", "slo.ttft.p99=1", "-s", "workload.num_requests=600", "--replications", "6")
check(found["replications"] == 6 and found["interval"][0] < found["capacity"] < found["interval"][1], found["interval"])
values = []
for seed in range(6):
    single = json.loads(run("base.yaml", "-q", "--json", "-", "-s", "slo.ttft.p99=1", "-s", "workload.num_requests=600",
                            "-s", f"workload.arrivals.rate={found['capacity']:.12g}", "--seed", str(seed)).stdout)
    values.append(single["p99_ttft_ms"])
best = [point for point in found["points"] if point["load"] == found["capacity"]][0]
check(abs(best["slo"]["p99_ttft_ms"] / (sum(values) / 6) - 1) < 1e-12, "the mean over the seeds")

# --- accelerators, dollars, energy

priced = ["-s", "slo.ttft.p99=1", "-s", "accelerator.price_per_hour=1.5", "-s", "engine.tensor_parallel_size=2",
          "-s", "accelerator.power=400 W", "-s", "accelerator.idle_power=60 W"]
found = find(*priced, "--load", "100")
fleet, cost = found["fleet"], found["fleet"]["cost"]
servers = -(-100 // found["capacity"])
check(fleet["servers"] == servers and fleet["accelerators"] == 2 * servers, "servers for the load")
check(abs(fleet["each"]["load"] * servers / 100 - 1) < 1e-5, "an equal share each")
check(fleet["each"]["p99_ttft_ms"] <= 1000, "within the SLO")
check(abs(cost["dollars_per_hour"] - 3 * servers) < 1e-9, "dollars an hour")
tokens = servers * fleet["each"]["output_throughput"]
check(abs(cost["dollars_per_million_output_tokens"] / (3 * servers / 3600 / tokens * 1e6) - 1) < 1e-9, "dollars a million")
check(abs(cost["output_tokens_per_dollar"] * cost["dollars_per_million_output_tokens"] / 1e6 - 1) < 1e-9, "a dollar")
power = 2 * servers * (400 * fleet["each"]["busy_share"] + 60 * (1 - fleet["each"]["busy_share"]))
check(abs(cost["power_w"] / power - 1) < 1e-9, "power")
check(abs(cost["kwh_per_million_output_tokens"] / (power / tokens * 1e6 / 3.6e6) - 1) < 1e-9, "energy")
text = run("capacity", "base.yaml", "-q", *overrides(["slo.ttft.p99=1"])).stdout
check(f"Set             {found['key']}=" in text and "$" not in text and "kWh" in text, "no price, no dollars")

# --- every combination of a sweep

open("sweep.yaml", "w").write("base: base.yaml\nsweep: {engine.max_num_seqs: [8, 16, 64]}\n"
                              "linked: [{engine.tensor_parallel_size: [1, 2, 3], accelerator.price_per_hour: [1.5, 1.6, 1]}]\n")
out = run("capacity", "sweep.yaml", "-s", "slo.ttft.p99=1", "-q", "--load", "30", "-j", "1", "-o", "one.csv").stdout
run("capacity", "sweep.yaml", "-s", "slo.ttft.p99=1", "-q", "--load", "30", "-j", "2", "-o", "two.csv")
check(open("one.csv").read() == open("two.csv").read(), "threads")
run("capacity", "sweep.yaml", "-s", "slo.ttft.p99=1", "-q", "--load", "30", "-o", "rows.jsonl")
rows = [json.loads(line) for line in open("rows.jsonl")]
check([row["status"] for row in rows] == ["done", "done", "failed"] * 3, "statuses")
done = [row for row in rows if row["status"] == "done"]
for row in done:
    alone = find("-s", "slo.ttft.p99=1", "--load", "30", *overrides(f"{key}={value}" for key, value in row["values"].items()))
    check(row["capacity"] == alone["capacity"] and row["load_accelerators"] == alone["fleet"]["accelerators"] and
          abs(row["load_dollars_per_hour"] - alone["fleet"]["cost"]["dollars_per_hour"]) < 1e-9, "as alone")
cheapest = min(done, key=lambda row: row["load_dollars_per_hour"])
check(f"Cheapest that serves 30 within the SLO: run {cheapest['run']}," in out, out)
for shard in "12":
    run("capacity", "sweep.yaml", "-s", "slo.ttft.p99=1", "-q", "--load", "30", "--shard", f"{shard}/2", "-o", f"shard{shard}")
run("capacity", "--merge", "shard1", "shard2", "-o", "merged.csv")
check(open("one.csv").read() == open("merged.csv").read(), "shards")
run("sweep", "sweep.yaml", "--shard", "1/2", "-q", "-o", "plain")

# --- what nothing breaks, and refusals

found = find("-s", "slo.tpot.p99=1000", "-s", "slo.ttft.p99=100000", "-s", "workload.num_requests=30")
check(found["too_much"] is None and found["precision"] is None, "nothing breaks it")


def refuses(text, *arguments):
    done = run("capacity", *arguments, status=2)
    check(text in done.stderr and done.stderr.count("\n") == 1 and done.stdout == "", f"{text}: {done.stderr}")


refuses("nothing is promised: capacity needs an SLO", "base.yaml")
refuses("nothing is promised", "base.yaml", "-s", "slo.goodput=0.9")
refuses("the SLO is met under no load: at ", "base.yaml", "-s", "slo.ttft.p99=1e-6")
refuses("nothing in this configuration is random", f"{top}/configs/a100_llama7b.yaml", "--replications", "2")
refuses("--precision 0: a share", "base.yaml", "--precision", "0")
refuses("--load -1: a number above 0", "base.yaml", "--load", "-1")
refuses("--runs 99: 4 to 32", "base.yaml", "--runs", "99")
refuses("-o, --resume and --shard are of a sweep", "base.yaml", "-s", "slo.ttft.p99=1", "-o", "x.csv")
refuses("--json is of one configuration", "sweep.yaml", "--json", "x.json")
refuses("nothing.yaml: cannot be opened", "nothing.yaml")
refuses("a configuration from stdin can be read by one run only", "-")
refuses("--runs 4.5: 4 to 32", "base.yaml", "--runs", "4.5")
refuses("--chart goes with the table", "base.yaml", "-s", "slo.ttft.p99=1", "--chart", "--json", "-")
refuses("base.yaml: would overwrite base.yaml", "base.yaml", "-s", "slo.ttft.p99=1", "--json", "base.yaml")
refuses("plain: is of another sweep", "--merge", "shard1", "plain")
refuses("unknown key 'p98' in a limit of the slo section", "base.yaml", "-s", "slo.ttft.p98=1")
refuses("'ttft' must be a number", "base.yaml", "-s", "slo.ttft=soon")
refuses("not one request is completed", "base.yaml", "-s", "slo.ttft.p99=1", "-s", "engine.max_model_len=1")
check(not os.path.exists("x.csv") and not os.path.exists("x.json"), "no file is left")
print(f"{checks} checks passed")
