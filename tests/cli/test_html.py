#!/usr/bin/env python3
"""test_html.py LLMSIM TOP: the pages of --html in headless Chromium: no error, every chart drawn, the figures those
of the JSON, nothing wider than the window, nothing loaded from elsewhere."""
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

llmsim, top = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
# Once is enough for the pages: they are the same from every build.
chromium = None if os.environ.get("LLMSIM_QUICK") else next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
os.chdir(tempfile.mkdtemp())
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


class Page(html.parser.HTMLParser):
    """What of a page is looked at: attributes of the body, figures, and what would be loaded."""

    def __init__(self, text):
        super().__init__()
        self.body, self.figures, self.loads, self.canvases = {}, {}, [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "body":
            self.body = attributes
        if tag == "canvas":
            self.canvases += 1
        if "data-key" in attributes:
            self.figures[attributes["data-key"]] = json.loads(attributes["data-value"])
        self.loads += [attributes[name] for name in ("src", "href") if attributes.get(name)]


def browse(path, width=1280, theme="light"):
    """The page after its script has run. Widths below 500 are those of a frame: a window is no narrower."""
    address = f"file://{os.path.realpath(path)}#{theme}"
    done = subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                           f"--user-data-dir={os.getcwd()}/profile", f"--window-size={width},900", "--hide-scrollbars",
                           "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom", address],
                          capture_output=True, text=True, timeout=100)
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    check(not said, f"{path}: the console says {said[:3]}")
    page = Page(done.stdout)
    check(page.body.get("data-ready") == "true", f"{path}: the script has not come to its end")
    check(json.loads(page.body["data-errors"]) == [], f"{path}: {page.body['data-errors']}")
    check(page.body["data-blank"] == "0", f"{path}: {page.body['data-blank']} blank charts")
    check(int(page.body["data-charts"]) == page.canvases, f"{path}: charts")
    check(page.body["data-overflow"] == "false", f"{path}: wider than {width}")
    return page


def data_of(path):
    text = open(path).read()
    found = re.search(r'<script type="application/json" id="data">\n(.*?)</script>', text, re.S)
    return json.loads(found.group(1)), text


def look_up(report, key):
    for name in key.split("."):
        report = report[name]
    return report


BASE = f"""model: {top}/configs/models/llama-2-7b.yaml
accelerator: {top}/configs/accelerators/a100-sxm-80gb.yaml
workload:
  arrivals: {{process: poisson, rate: 4}}
  prompt_tokens: {{distribution: lognormal, mean: 600, median: 400, max: 3000}}
  output_tokens: {{distribution: lognormal, mean: 100, median: 60, max: 1000}}
  num_requests: 3000
slo: {{ttft: {{p99: 1 s}}, tpot: {{p99: 50 ms}}}}
"""
open("a <b>&'c.yaml", "w").write(BASE)
open("base.yaml", "w").write(BASE)
open("sweep.yaml", "w").write("base: base.yaml\nsweep: {engine.max_num_seqs: [8, 16, 64], workload.arrivals.rate: [2, 4, 20]}\n"
                              "linked: [{engine.tensor_parallel_size: [1, 3]}]\n")
run("base.yaml", "-q", "--requests", "measured.csv")
shown = {
    # a page: its command, the JSON that it must hold, how many charts there are at least, and some figures
    "run.html": (["a <b>&'c.yaml", "-q"], 7, ["p99_ttft_ms", "output_throughput", "saturation.verdict", "utilisation.mbu"]),
    "roofline.html": (["roofline", "base.yaml"], 3, ["prefill.total.time_s", "decode.total.bound"]),
    "gemm.html": (["roofline", "-a", f"{top}/configs/accelerators/a100-sxm-80gb.yaml", "--gemm", "512,4096,4096"], 1, []),
    "validate.html": (["validate", "base.yaml", "--measured", "measured.csv", "-s", "cost.speed=0.9"], 6, ["all.ttft.mean_ms.error_pct", "requests"]),
    "capacity.html": (["capacity", "base.yaml", "-q", "-s", "accelerator.price_per_hour=2", "--load", "40"], 4,
                      ["capacity", "fleet.accelerators", "fleet.cost.dollars_per_hour"]),
}
for page, (arguments, charts, figures) in shown.items():
    run(*arguments, "--html", page, "--json", "report.json")
    report, (data, text) = json.load(open("report.json")), data_of(page)
    check(data["report"] == report, f"{page}: holds what --json writes")
    check("--html" in data["command"] and page in data["command"], f"{page}: {data['command']}")
    check(not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)=', text), f"{page}: loads something")
    if chromium is None:
        continue
    drawn = browse(page)
    check(drawn.loads == [] and int(drawn.body["data-charts"]) >= charts, f"{page}: {drawn.body}")
    for key in figures:
        check(key in drawn.figures, f"{page}: {key} is not shown")
    for key, value in drawn.figures.items():
        check(look_up(report, key) == value, f"{page}: {key} is {value}")
    browse(page, width=500, theme="dark")

# --- a sweep, and capacities of one: the rows are those of the file

for page, arguments in (("sweep.html", ["sweep"]), ("capacities.html", ["capacity", "--load", "40"])):
    run(*arguments, "sweep.yaml", "-q", "--html", page, "-o", "rows.jsonl")
    data, text = data_of(page)
    rows = [json.loads(line) for line in open("rows.jsonl")]
    check(data["report"]["rows"] == rows and data["report"]["every"] == 1, f"{page}: the rows")
    check(any(row["status"] == "failed" for row in rows), "a run that fails")
    if chromium is not None:
        check(int(browse(page).body["data-charts"]) >= 1, f"{page}: the trade-off")
        browse(page, width=500, theme="dark")
for shard in "12":
    run("sweep", "sweep.yaml", "-q", "--shard", f"{shard}/2", "-o", f"shard{shard}")
run("sweep", "--merge", "shard1", "shard2", "-o", "merged.csv", "--html", "merged.html")
run("sweep", "sweep.yaml", "-q", "-o", "whole.jsonl", "--html", "whole.html")
check(data_of("merged.html")[0]["report"] == data_of("whole.html")[0]["report"], "the page of merged shards")

# --- the over-time rows add up to the run, however many are merged; distributions end where the run does

data, _ = data_of("run.html")
timeline, report = data["extra"]["timeline"], data["report"]
column = {name: i for i, name in enumerate(timeline["columns"])}
check(len(timeline["rows"]) <= 400 and timeline["merged"] >= 2, f"{len(timeline['rows'])} rows of {timeline['merged']}")
check(sum(row[column["completed"]] for row in timeline["rows"]) == report["completed"], "completed over time")
tokens = sum(row[column["output_tokens_per_s"]] * row[column["duration_s"]] for row in timeline["rows"])
check(abs(tokens / report["total_output_tokens"] - 1) < 1e-6, f"output tokens over time: {tokens}")
for name in ("ttft", "tpot", "itl", "e2el"):
    points = dict((share, value) for value, share in data["extra"]["distributions"][name])
    check(points[50.0] == report[f"median_{name}_ms"] and points[99.0] == report[f"p99_{name}_ms"], f"quantiles of {name}")

# --- pages appear whole or not at all, and not where they cannot

run("base.yaml", "-q", "--html", "x.html", "-s", "metrics.replications=2", status=2)
run("base.yaml", "-q", "--html", "same", "--json", "same", status=2)
run("base.yaml", "-q", "--html", "base.yaml", status=2)
run("sweep", "sweep.yaml", "-q", "--html", "-", status=2)
run("sweep", "sweep.yaml", "-q", "--html", "x", "-o", "x", status=2)
run("sweep", "sweep.yaml", "-q", "--html", "base.yaml", "-o", "y", status=2)
run("sweep", "sweep.yaml", "-q", "--html", "sweep.yaml", "-o", "y", status=2)
run("sweep", "sweep.yaml", "-q", "--shard", "1/2", "-o", "x", "--html", "x.html", status=2)
check(open("base.yaml").read() == BASE and not os.path.exists("x.html") and not os.path.exists("same"), "nothing is left")
check(run("base.yaml", "-q", "--html", "-").stdout.startswith("<!DOCTYPE html>"), "to stdout")
print(f"{checks} checks passed" + ("" if chromium else "; skipped: no Chromium, or LLMSIM_QUICK: no page was looked at"))
sys.exit(0 if chromium else 77)
