"""The prefix cache on a real trace: hits counted here, from the trace alone, against llmsim's.

    test_mooncake_trace.py LLMSIM SHARED

With room for everything and requests so far apart that none overlaps another, every request must
find exactly what is counted here. At the trace's own rate it can never find more, and in a cache too
small for all of it less. Skipped (exit status 77) without SHARED/traces/mooncake_conversation.jsonl.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

ID_TOKENS = 512
BLOCK_SIZE = 16
GAP_MS = 10_000_000  # longer than any request takes
UNLIMITED_BLOCKS = 20_000_000

CONFIG = """
model: llama-3.1-8b
accelerator: h100-sxm
engine: {{num_gpu_blocks_override: {blocks}}}
workload: {{trace: {trace}}}
"""


def count_hits(rows):
    """Tokens of each request found in the cache when they come one after the other.

    A node is an id with all the ids before it; it holds the whole blocks that end under that id.
    """
    children = {}
    cached_blocks = {}
    hits = []
    for row in rows:
        whole_blocks = row["input_length"] // BLOCK_SIZE
        usable_blocks = (row["input_length"] - 1) // BLOCK_SIZE
        found, unbroken, node = 0, True, 0
        for position, prefix_id in enumerate(row["hash_ids"]):
            node = children.setdefault((node, prefix_id), len(children) + 1)
            first = position * ID_TOKENS // BLOCK_SIZE
            last = min((position + 1) * ID_TOKENS // BLOCK_SIZE, whole_blocks)
            there = cached_blocks.get(node, 0)
            if unbroken:
                found += min(there, last - first)
                unbroken = there >= last - first
            cached_blocks[node] = max(there, last - first)
        hits.append(min(found, usable_blocks) * BLOCK_SIZE)
    return hits


def simulate(llmsim, directory, trace, blocks=UNLIMITED_BLOCKS):
    config = os.path.join(directory, "config.yaml")
    requests = os.path.join(directory, "requests.csv")
    with open(config, "w") as file:
        file.write(CONFIG.format(trace=trace, blocks=blocks))
    subprocess.run([llmsim, config, "-q", "--requests", requests], check=True, stdout=subprocess.DEVNULL)
    with open(requests) as file:
        return [int(row["cached_tokens"]) for row in csv.DictReader(file)]


def main():
    llmsim, shared = sys.argv[1:3]
    trace = os.path.abspath(os.path.join(shared, "traces", "mooncake_conversation.jsonl"))
    if not os.path.exists(trace):
        print("skipped: no", trace)
        return 77
    with open(trace) as file:
        rows = [json.loads(line) for line in file]
    expected = count_hits(rows)
    with tempfile.TemporaryDirectory() as directory:
        spread = os.path.join(directory, "spread.jsonl")
        with open(spread, "w") as file:
            for index, row in enumerate(rows):
                print(json.dumps(dict(row, timestamp=index * GAP_MS)), file=file)
        apart = simulate(llmsim, directory, spread)
        own_rate = simulate(llmsim, directory, trace)
        small_cache = simulate(llmsim, directory, trace, blocks=40_000)
    prompt_tokens = sum(row["input_length"] for row in rows)
    print(f"{len(rows)} requests, {prompt_tokens} prompt tokens; found: counted {sum(expected)}, "
          f"apart {sum(apart)}, at its own rate {sum(own_rate)}, in 40000 blocks {sum(small_cache)}")
    differing = [i for i in range(len(rows)) if apart[i] != expected[i]]
    for i in differing[:5]:
        print(f"request {i}: counted {expected[i]}, llmsim found {apart[i]}")
    more = [i for i in range(len(rows)) if own_rate[i] > expected[i]]
    for i in more[:5]:
        print(f"request {i}: found {own_rate[i]} at its own rate, more than the {expected[i]} there are")
    fewer = sum(small_cache) < sum(own_rate) <= sum(expected)
    return 0 if not differing and not more and fewer and len(apart) == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
