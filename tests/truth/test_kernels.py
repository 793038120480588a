#!/usr/bin/env python3
"""test_kernels.py LLMSIM SHARED: the shipped accelerators against measured kernels.

`llmsim calibrate --check` on the files of SHARED/truth: the mean error of each (collectives: the
median) stays below a ceiling a little above what the fit reached. Skipped (exit status 77) where the
files are absent; the repository may not carry them.
"""
import json
import os
import subprocess
import sys

# accelerator, file, options, part (None: all of the file), statistic, ceiling in per cent, least rows
CEILINGS = (
    ("a100-sxm-80gb", "kernels/gemm_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 9.5, 3000),
    ("h100-sxm", "kernels/gemm_h100_sxm_vllm_0.24.0.csv", (), "bfloat16", "mape_pct", 9, 1522),
    ("rtx-pro-6000", "kernels/gemm_rtx_pro_6000_server_vllm_0.19.0.csv", (), "bfloat16",
     "mape_pct", 16.5, 1522),
    ("a100-sxm-80gb", "kernels/attn_decode_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 13.5,
     700),
    ("h100-sxm", "kernels/attn_decode_h100_sxm_vllm_0.24.0.csv", (), None, "mape_pct", 6, 619),
    ("rtx-pro-6000", "kernels/attn_decode_rtx_pro_6000_server_vllm_0.19.0.csv", (), None,
     "mape_pct", 11.5, 396),
    ("a100-sxm-80gb", "kernels/attn_prefill_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 10.5,
     3000),
    ("h100-sxm", "kernels/attn_prefill_h100_sxm_vllm_0.24.0.csv", (), None, "mape_pct", 15.5, 3000),
    ("rtx-pro-6000", "kernels/attn_prefill_rtx_pro_6000_server_vllm_0.19.0.csv", (), None,
     "mape_pct", 7, 3000),
    ("a100-sxm-80gb", "kernels/comm_a100_sxm.csv", ("--implementation", "vllm"), None,
     "median_ape_pct", 6, 49),
    ("h100-sxm", "kernels/comm_h100_sxm.csv", ("--implementation", "vllm"), None,
     "median_ape_pct", 6, 147),
    ("rtx-pro-6000", "kernels/comm_rtx_pro_6000_server.csv", ("--implementation", "vllm/0.19.0"),
     None, "median_ape_pct", 14, 23),
    ("rtx-4090", "profiles/rtx4090_attention.csv", (), None, "mape_pct", 12, 8643),
    ("rtx-pro-6000", "profiles/rtxpro6000_attention_llama-3.1-8b.csv", (), None, "mape_pct", 13,
     38728),
    ("rtx-pro-6000", "profiles/rtxpro6000_attention_qwen3-32b.csv", (), None, "mape_pct", 14,
     38728),
    ("rtx-4090", "profiles/rtx4090_dense.csv", (), None, "mape_pct", 14, 1368),
    ("rtx-pro-6000", "profiles/rtxpro6000_dense.csv", (), None, "mape_pct", 14.5, 5776),
)


def errors(llmsim, accelerator, path, options, part):
    run = subprocess.run([llmsim, "calibrate", "-a", accelerator, "--check", path, "--json", "-",
                          *options], stdout=subprocess.PIPE, check=True)
    file = json.loads(run.stdout)["files"][0]
    return file if part is None else next(p for p in file["parts"] if p["name"] == part)


def main():
    llmsim, truth = sys.argv[1], os.path.join(sys.argv[2], "truth")
    if not os.path.isdir(os.path.join(truth, "kernels")):
        print(f"skipped: no measured kernels in {truth}")
        sys.exit(77)
    failed = 0
    for accelerator, name, options, part, statistic, ceiling, rows in CEILINGS:
        got = errors(llmsim, accelerator, os.path.join(truth, name), options, part)
        good = got["rows"] >= rows and got[statistic] < ceiling
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name:58} {got['rows']:6} rows, "
              f"{statistic} {got[statistic]:6.2f} (below {ceiling}), bias {got['bias_pct']:+.2f} %")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
