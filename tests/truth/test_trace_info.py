"""`llmsim trace info` on real traces: every figure counted again here, from the files alone.

    test_trace_info.py LLMSIM SHARED

Whole numbers must be equal, real ones to 10 digits. Skipped (exit status 77) where SHARED/traces has
neither trace.
"""

import csv
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile

BLOCK_SIZE = 16
ID_TOKENS = 512
PERCENTILES = (5, 25, 50, 75, 90, 95, 99)
WINDOWS_S = (1, 10, 60, 600, 3600, 86400)
MIN_WINDOWS = 10
NS = 1_000_000_000
BINS, FIRST_BIN_NS, COLUMNS = 1024, 1_000_000, 72

# What is published of them, and counted by others.
KNOWN = {
    "AzureLLMInferenceTrace_conv.csv": {
        "requests": 19366, "prompt_tokens.total": 22361870, "output_tokens.total": 4088665,
    },
    "mooncake_conversation.jsonl": {"requests": 12031, "prefixes.distinct_blocks": 182790},
}


def read_azure(path):
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            seconds, fraction = row["TIMESTAMP"].split(".")
            moment = datetime.datetime.strptime(seconds, "%Y-%m-%d %H:%M:%S")
            whole = int((moment - datetime.datetime(2023, 1, 1)).total_seconds())
            yield (whole * NS + int(fraction.ljust(9, "0")), int(row["ContextTokens"]),
                   int(row["GeneratedTokens"]), [])


def read_mooncake(path):
    with open(path) as file:
        for line in file:
            row = json.loads(line)
            yield (row["timestamp"] * 1_000_000, row["input_length"], row["output_length"],
                   row["hash_ids"])


def count_lengths(values):
    ordered, count, total = sorted(values), len(values), sum(values)
    result = {"total": total, "min": ordered[0], "max": ordered[-1], "mean": total / count,
              "std": math.sqrt(count * sum(v * v for v in values) - total * total) / count}
    for percentile in PERCENTILES:
        place = percentile / 100 * (count - 1)
        low = int(place)
        high = min(low + 1, count - 1)
        result[f"p{percentile}"] = ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    return result


def correlation(xs, ys):
    mean_x, mean_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    xx = math.fsum((x - mean_x) ** 2 for x in xs)
    yy = math.fsum((y - mean_y) ** 2 for y in ys)
    return xy / math.sqrt(xx * yy)


def count_windows(times_ns):
    result = []
    for window_s in WINDOWS_S:
        windows = times_ns[-1] // (window_s * NS)
        if windows < MIN_WINDOWS:
            continue
        counts = [0] * windows
        for time_ns in times_ns:
            if time_ns // (window_s * NS) < windows:
                counts[time_ns // (window_s * NS)] += 1
        mean = sum(counts) / windows
        variance = sum((count - mean) ** 2 for count in counts) / windows
        result.append({"window_s": window_s, "windows": windows,
                       "index_of_dispersion": variance / mean})
    return result


def count_chart(times_ns):
    bin_ns = FIRST_BIN_NS
    while times_ns[-1] // bin_ns >= BINS:
        bin_ns *= 2
    column_ns = bin_ns * math.ceil((times_ns[-1] // bin_ns + 1) / COLUMNS)
    counts = [0] * (times_ns[-1] // column_ns + 1)
    for time_ns in times_ns:
        counts[time_ns // column_ns] += 1
    return {"column_s": column_ns / NS, "requests": counts}


def count_prefixes(rows):
    """As an engine with blocks of 16 tokens and room for everything finds them (test_mooncake_trace.py
    compares the same count with the engine)."""
    children, cached, distinct, hit_tokens = {}, {}, set(), 0
    for _, prompt, _, ids in rows:
        found, unbroken, node = 0, True, 0
        for position, prefix_id in enumerate(ids):
            distinct.add(prefix_id)
            node = children.setdefault((node, prefix_id), len(children) + 1)
            first = position * ID_TOKENS // BLOCK_SIZE
            blocks = min((position + 1) * ID_TOKENS // BLOCK_SIZE, prompt // BLOCK_SIZE) - first
            there = cached.get(node, 0)
            if unbroken:
                found += min(there, blocks)
                unbroken = there >= blocks
            cached[node] = max(there, blocks)
        hit_tokens += min(found, (prompt - 1) // BLOCK_SIZE) * BLOCK_SIZE
    return {"requests": sum(1 for row in rows if row[3]), "ids": sum(len(row[3]) for row in rows),
            "distinct_blocks": len(distinct), "estimated_from_one_in": 1,
            "id_tokens": ID_TOKENS if distinct else 0, "max_hit_tokens": hit_tokens,
            "max_hit_rate": hit_tokens / sum(row[1] for row in rows)}


def count(rows):
    times_ns = [row[0] - rows[0][0] for row in rows]
    prompts, outputs = [row[1] for row in rows], [row[2] for row in rows]
    gaps = [(after - before) / NS for before, after in zip(times_ns, times_ns[1:])]
    mean = times_ns[-1] / NS / len(gaps)
    return {
        "requests": len(rows), "skipped_rows": 0, "failed_requests": 0,
        "span_s": times_ns[-1] / NS,
        "rate_per_s": 1 / mean, "gap_mean_s": mean,
        "gap_cv": math.sqrt(math.fsum((gap - mean) ** 2 for gap in gaps) / len(gaps)) / mean,
        "dispersion": count_windows(times_ns), "rate_over_time": count_chart(times_ns),
        "prompt_tokens": count_lengths(prompts), "output_tokens": count_lengths(outputs),
        "correlation": correlation(prompts, outputs),
        "log_correlation": correlation([math.log(x) for x in prompts],
                                       [math.log(y) for y in outputs]),
        "prefixes": count_prefixes(rows),
        "sessions": {"requests": 0, "sessions": 0, "estimated_from_one_in": 1, "mean_turns": None,
                     "max_turns": 0},
        "clients": {"requests": 0, "clients": 0, "estimated_from_one_in": 1},
        "classes": [{"class": None, "requests": len(rows), "prompt_tokens": sum(prompts),
                     "output_tokens": sum(outputs)}],
        "other_class_requests": 0,
        "priorities": [{"priority": 0, "requests": len(rows)}], "other_priority_requests": 0,
    }


def compare(expected, found, name, failures):
    """Of dictionaries and lists: all that is in them."""
    if isinstance(expected, dict):
        for key in expected.keys() | found.keys():
            compare(expected.get(key, "no such key"), found.get(key, "no such key"),
                    f"{name}.{key}", failures)
    elif isinstance(expected, list) and len(expected) == len(found):
        for i, pair in enumerate(zip(expected, found)):
            compare(*pair, f"{name}[{i}]", failures)
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        if not math.isclose(expected, found, rel_tol=1e-10):
            failures.append(f"{name}: counted {expected!r}, llmsim says {found!r}")
    elif expected != found:
        failures.append(f"{name}: counted {expected!r}, llmsim says {found!r}")


def check(llmsim, path, rows, failures):
    name = os.path.basename(path)
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "info.json")
        subprocess.run([llmsim, "trace", "info", path, "--json", output], check=True,
                       stdout=subprocess.DEVNULL)
        with open(output) as file:
            found = json.load(file)
    if found.pop("trace") != path or found.pop("format") != name_of_format(name):
        failures.append(f"{name}: not the trace, or not the format")
    compare(count(rows), found, name, failures)
    for key, value in KNOWN[name].items():
        figure = found
        for part in key.split("."):
            figure = figure[part]
        if figure != value:
            failures.append(f"{name}: {key} is published as {value}, llmsim says {figure}")
    print(f"{name}: {found['requests']} requests in {found['span_s']:.2f} s, "
          f"{found['prompt_tokens']['total']} prompt and {found['output_tokens']['total']} output "
          f"tokens, {found['prefixes']['distinct_blocks']} blocks")


def name_of_format(name):
    return "azure" if name.endswith(".csv") else "mooncake"


def main():
    llmsim, shared = sys.argv[1], sys.argv[2]
    failures, checked = [], 0
    for name, read in (("AzureLLMInferenceTrace_conv.csv", read_azure),
                       ("mooncake_conversation.jsonl", read_mooncake)):
        path = os.path.join(shared, "traces", name)
        if os.access(path, os.R_OK):
            check(llmsim, path, list(read(path)), failures)
            checked += 1
        else:
            print(f"skipped: {path} is not there")
    for failure in failures:
        print(f"FAIL: {failure}")
    if checked == 0:
        return 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
