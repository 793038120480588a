"""test_perfetto.py LLMSIM TOP: what --perfetto writes is Chrome's trace event format, as documented,
and says what --requests and the summary say."""
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict

STEPS_MAX, REQUESTS_MAX = 100000, 2000
ENGINE, REQUESTS = 1, 2


def simulate(llmsim, top, directory, requests):
    names = [os.path.join(directory, name) for name in ("trace.json", "requests.csv", "summary.json")]
    subprocess.run([llmsim, os.path.join(top, "configs/h100_llama8b_generated.yaml"), "-q",
                    "-s", f"workload.num_requests={requests}", "--perfetto", names[0],
                    "--requests", names[1], "--json", names[2]],
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LLMSIM_CONFIGS": f"{top}/configs"})
    with open(names[0]) as trace, open(names[1]) as rows, open(names[2]) as summary:
        return json.load(trace), list(csv.DictReader(rows)), json.load(summary)


def check_schema(trace):
    """Every event is complete; slices of a track follow each other; counters do not run back."""
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}, set(trace)
    assert trace["displayTimeUnit"] in ("ms", "ns")
    named, tracks, counters = set(), defaultdict(list), defaultdict(list)
    for event in trace["traceEvents"]:
        assert isinstance(event["name"], str) and event["name"], event
        assert type(event["pid"]) is int and type(event["tid"]) is int, event
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name") and event["args"]["name"], event
            named.add((event["name"], event["pid"], event["tid"]))
        elif event["ph"] == "X":
            assert event["ts"] >= 0 and event["dur"] > 0, event
            tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
        else:
            assert event["ph"] == "C" and event["ts"] >= 0, event
            assert all(isinstance(value, (int, float)) for value in event["args"].values()), event
            counters[event["name"]].append(event["ts"])
    for track, slices in tracks.items():
        assert ("thread_name", *track) in named, track
        for (_, end), (start, _) in zip(slices, slices[1:]):
            assert start >= end - 1e-3, (track, start, end)
    assert {("process_name", pid, 0) for pid in (ENGINE, REQUESTS)} <= named
    assert len(counters) == 5 and all(times == sorted(times) for times in counters.values())


def check_content(trace, rows, summary):
    said = trace["otherData"]
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    steps = [event for event in slices if event["pid"] == ENGINE]
    assert said["steps"] == summary["engine"]["steps"] and said["requests"] == summary["completed"]
    assert len(steps) == -(-said["steps"] // said["every_nth_step"]) <= STEPS_MAX
    phases = defaultdict(dict)
    for event in slices:
        if event["pid"] == REQUESTS:
            phases[event["tid"] - 1][event["name"]] = event["dur"] / 1e6
    assert len(phases) == -(-said["requests"] // said["every_nth_request"]) <= REQUESTS_MAX
    for number, phase in phases.items():
        row = rows[number]
        assert abs(sum(phase.values()) - float(row["e2e_s"])) < 1e-8, (row, phase)
        assert abs(phase.get("queue", 0.0) - float(row["queue_s"])) < 1e-8, (row, phase)
        assert abs(phase.get("decode", 0.0) - float(row["e2e_s"]) + float(row["ttft_s"])) < 1e-8


def main():
    llmsim, top = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    for requests, stride in ((1000, 1), (5000, 4)):
        with tempfile.TemporaryDirectory() as directory:
            trace, rows, summary = simulate(llmsim, top, directory, requests)
        check_schema(trace)
        check_content(trace, rows, summary)
        assert trace["otherData"]["every_nth_request"] == stride, trace["otherData"]
        print(f"{requests} requests: {len(trace['traceEvents'])} events, {trace['otherData']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
