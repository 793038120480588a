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
import tempfile

# accelerator, file, options, part (None: all of the file), statistic, ceiling in per cent, least rows
CEILINGS = (
    ("a100-sxm-80gb", "kernels/gemm_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 7, 3000),
    ("h100-sxm", "kernels/gemm_h100_sxm_vllm_0.24.0.csv", (), "bfloat16", "mape_pct", 6, 1522),
    ("h100-sxm", "kernels/gemm_h100_sxm_vllm_0.24.0.csv", (), "fp8", "mape_pct", 8.5, 1478),
    ("rtx-pro-6000", "kernels/gemm_rtx_pro_6000_server_vllm_0.19.0.csv", (), "bfloat16",
     "mape_pct", 14, 1522),
    ("rtx-pro-6000", "kernels/gemm_rtx_pro_6000_server_vllm_0.19.0.csv", (), "fp8", "mape_pct", 5.5,
     1478),
    ("a100-sxm-80gb", "kernels/attn_decode_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 6, 700),
    ("h100-sxm", "kernels/attn_decode_h100_sxm_vllm_0.24.0.csv", (), None, "mape_pct", 5, 619),
    ("rtx-pro-6000", "kernels/attn_decode_rtx_pro_6000_server_vllm_0.19.0.csv", (), None,
     "mape_pct", 4.5, 396),
    ("a100-sxm-80gb", "kernels/attn_prefill_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 9.5,
     3000),
    ("h100-sxm", "kernels/attn_prefill_h100_sxm_vllm_0.24.0.csv", (), None, "mape_pct", 8.5, 3000),
    ("rtx-pro-6000", "kernels/attn_prefill_rtx_pro_6000_server_vllm_0.19.0.csv", (), None,
     "mape_pct", 6.5, 3000),
    ("a100-sxm-80gb", "kernels/moe_a100_sxm_vllm_0.14.0.csv", (), None, "mape_pct", 15.5, 750),
    ("h100-sxm", "kernels/moe_h100_sxm_vllm_0.24.0.csv", (), None, "mape_pct", 10.5, 2459),
    ("rtx-pro-6000", "profiles/rtxpro6000_moe.csv", (), None, "mape_pct", 8, 50),
    ("a100-sxm-80gb", "kernels/comm_a100_sxm.csv", (), None, "median_ape_pct", 3, 49),
    ("h100-sxm", "kernels/comm_h100_sxm.csv", (), None, "median_ape_pct", 3, 147),
    ("rtx-pro-6000", "kernels/comm_rtx_pro_6000_server.csv", ("--implementation", "vllm/0.24.0"),
     None, "median_ape_pct", 3, 69),
    ("a100-sxm-80gb", "kernels/comm_a100_sxm.csv", ("--implementation", "nccl-tests"), None,
     "median_ape_pct", 6.5, 132),
    ("h100-sxm", "kernels/comm_h100_sxm.csv", ("--implementation", "nccl-tests"), None,
     "median_ape_pct", 8, 378),
    ("rtx-4090", "profiles/rtx4090_attention.csv", (), None, "mape_pct", 7.8, 8643),
    ("rtx-pro-6000", "profiles/rtxpro6000_attention_llama-3.1-8b.csv", (), None, "mape_pct", 7.2,
     38728),
    ("rtx-pro-6000", "profiles/rtxpro6000_attention_qwen3-32b.csv", (), None, "mape_pct", 6.9,
     38728),
    ("rtx-4090", "profiles/rtx4090_dense.csv", (), None, "mape_pct", 11.5, 1368),
    ("rtx-pro-6000", "profiles/rtxpro6000_dense.csv", (), None, "mape_pct", 16.5, 7904),
)

# Fits to four fifths of the shapes, judged by the rest: accelerator, files, family, statistic, ceiling
HELD_OUT = (
    ("a100-sxm-80gb", ("kernels/gemm_a100_sxm_vllm_0.14.0.csv",), "GEMM", "mape_pct", 7.5),
    ("h100-sxm", ("kernels/gemm_h100_sxm_vllm_0.24.0.csv",), "GEMM", "mape_pct", 6.5),
    ("h100-sxm", ("kernels/gemm_h100_sxm_vllm_0.24.0.csv",), "8-bit GEMM", "mape_pct", 9),
    ("h100-sxm", ("kernels/moe_h100_sxm_vllm_0.24.0.csv",), "experts", "mape_pct", 11),
)


def errors(llmsim, accelerator, path, options, part):
    run = subprocess.run([llmsim, "calibrate", "-a", accelerator, "--check", path, "--json", "-",
                          *options], stdout=subprocess.PIPE, check=True)
    file = json.loads(run.stdout)["files"][0]
    return file if part is None else next(p for p in file["parts"] if p["name"] == part)


def held_out(llmsim, accelerator, paths, family):
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.run([llmsim, "calibrate", "-a", accelerator, "--fit", *paths, "-o",
                              os.path.join(directory, "new.yaml"), "--json", "-"],
                             stdout=subprocess.PIPE, check=True)
    return next(fit for fit in json.loads(run.stdout)["fits"] if fit["family"] == family)["held_out"]


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
    for accelerator, names, family, statistic, ceiling in HELD_OUT:
        paths = [os.path.join(truth, name) for name in names]
        got = held_out(llmsim, accelerator, paths, family)
        good = got[statistic] < ceiling
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {accelerator}, {family}, shapes held out: "
              f"{statistic} {got[statistic]:.2f} (below {ceiling})")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
