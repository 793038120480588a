#!/bin/bash
# test_roofline.sh LLMSIM TOP: llmsim roofline: the figures that can be worked out by hand, files that
# other programs read, and what can be wrong.
set -u
. "$(dirname "$0")/expect.sh"
llmsim=$(realpath "$1")
top=$(realpath "$2")
export LLMSIM_CONFIGS=$top/configs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# figures NAME FILE EXPRESSION: of the JSON `d`, in Python.
figures() {
    expect "$1" python3 -c '
import json, math, sys
d = json.load(open(sys.argv[1]))
near = lambda a, b, e=1e-9: math.isclose(a, b, rel_tol=e)
assert eval("(" + sys.argv[2] + ")"), sys.argv[2]' "$2" "$3"
}

# --- one matrix product

gemm=(roofline -a a100-sxm-40gb --gemm '8192,8192,8192')
"$llmsim" "${gemm[@]}" --dtype fp16 --json gemm.json >gemm.txt 2>stderr
expect 'status of a matrix product' test "$?$(wc -c <stderr)" = 00
expect 'its FLOPs and MACs' grep -q '1099511627776 FLOPs, 549755813888 MACs' gemm.txt
expect 'its intensity' grep -Eq '^  fp16 +402\.7 +2730\.7 +200\.6 +312 ' gemm.txt
expect 'its bound' grep -q 'compute, by 13.6$' gemm.txt
figures 'FLOPs' gemm.json 'd["gemm"]["flops"] == 2 * 8192**3 == 2 * d["gemm"]["macs"]'
row='d["gemm"]["dtypes"][0]'
figures 'bytes' gemm.json "$row['moved_bytes'] == 3 * 8192**2 * 2"
figures 'intensity' gemm.json "near($row['intensity_flops_per_byte'], 8192 / 3)"
figures 'ridge' gemm.json "near($row['ridge_flops_per_byte'], 312e12 / 1555e9)"
figures 'attainable' gemm.json "$row['attainable_flops_per_s'] == 312e12"
figures 'predicted' gemm.json "near($row['predicted_flops_per_s'] * $row['predicted_time_s'], 2 * 8192**3)"
figures 'below what is attainable' gemm.json "0.5 < $row['share_of_attainable'] < 1"

"$llmsim" roofline -a h200-sxm --gemm 64,8192,4096 --dtype bf16,fp16 --dtype fp8 \
    -s accelerator.memory_bandwidth=3350GB/s \
    --json - --plot gemm.svg >gemm.json
expect 'JSON in place of the table' test "$(head -c 1 gemm.json)" = '{'
rows='d["gemm"]["dtypes"]'
figures 'three rows' gemm.json "[r['dtype'] for r in $rows] == ['bf16', 'fp16', 'fp8']"
figures 'half the bytes' gemm.json "$rows[0]['moved_bytes'] == 2 * $rows[2]['moved_bytes']"
figures 'twice the intensity' gemm.json "near($rows[2]['intensity_flops_per_byte'], 2 * $rows[0]['intensity_flops_per_byte'])"
figures 'another ridge' gemm.json "near($rows[2]['ridge_flops_per_byte'], 1979e12 / 3350e9)"
figures 'memory-bound' gemm.json "all(r['bound'] == 'memory' for r in $rows)"
figures 'attainable from memory' gemm.json "near($rows[0]['attainable_flops_per_s'], $rows[0]['intensity_flops_per_byte'] * 3350e9)"
figures 'the mark' gemm.json 'd["accelerator"]["efficiencies_from"] == "h100-sxm"'
"$llmsim" roofline -a h200-sxm --gemm 1,1,1 --plot mark.html >mark.txt
expect 'the mark in the table' grep -q 'h200-sxm (datasheet; efficiencies of h100-sxm)' mark.txt
expect 'the mark in the plot' grep -q '<title>GEMM on h200-sxm (datasheet; efficiencies of h100-sxm)' mark.html
expect 'bf16, unless it is said' grep -q '^  bf16 ' mark.txt
expect 'fp16, where there is no bf16' grep -q '^  fp16 ' <("$llmsim" roofline -a v100 --gemm 1,1,1)

# --- a model's steps

config=(roofline "$top/configs/h100_llama8b_generated.yaml")
"$llmsim" "${config[@]}" --json both.json --plot both.html >both.txt 2>stderr
expect 'status of a configuration' test "$?$(wc -c <stderr)" = 00
for heading in 'Prefill step' 'Decode step' 'Workload' 'Balance' 'Best balance' '  total'; do
    expect "$heading" grep -q "^$heading" both.txt
done
for step in prefill decode; do
    s="d['$step']"
    for key in flops moved_bytes memory_bytes time_s calls; do
        figures "$key of $step add up" both.json \
            "near(sum(o['$key'] for o in $s['operators']), $s['total']['$key'])"
    done
    figures "shares of $step" both.json "near(sum(o['share'] for o in $s['operators']), 1)"
    figures "MFU and MBU of $step" both.json "all(near(o['mbu'], o['moved_bytes'] / o['time_s'] / 3350e9)
        and near(o['mfu'], o['flops'] / o['time_s'] / 989e12) for o in $s['operators'])"
    figures "bounds of $step" both.json \
        "all(near(sum(o['time_by_bound'].values()), o['time_s']) for o in $s['operators'])"
done
figures 'the mix of the workload' both.json "near(d['balance']['time_s'],
    sum(d[s]['steps_per_request'] * d[s]['total']['time_s'] for s in ('prefill', 'decode')))"
figures 'a best balance' both.json "d['balance']['best_time_s'] <= d['balance']['time_s']"
"$llmsim" "${config[@]}" --json both2.json >both2.txt
expect 'the same table twice' cmp both.txt both2.txt
expect 'the same JSON twice' cmp both.json both2.json
"$llmsim" "${config[@]}" --prompt 512 --json prefill.json >prefill.txt
figures 'a prefill step alone' prefill.json "d['prefill']['prompt_tokens'] == 512 and d['decode'] is None"
"$llmsim" "${config[@]}" --batch 16 --context 1000 --json decode.json >decode.txt
figures 'a decode step alone' decode.json "d['prefill'] is None and
    (d['decode']['sequences'], d['decode']['context_tokens']) == (16, 1000)"
# 32 layers read keys and values of 8 heads of 128, of 16 · 1000 tokens, in 2 bytes.
figures 'bytes of attention' decode.json "[o['moved_bytes'] for o in d['decode']['operators']
    if o['name'] == 'attention'] == [32 * 2 * 8 * 128 * 2 * 16 * 1000]"
"$llmsim" "$top/configs/a100_llama7b.yaml" -q >run.txt
"$llmsim" roofline "$top/configs/a100_llama7b.yaml" --json trace.json >trace.txt
figures 'the requests of a trace' trace.json "d['workload']['requests'] == $(
    sed -n 's/^Requests  *\([0-9]*\) completed.*/\1/p' run.txt)"
"$llmsim" "${config[@]}" --batch 900 --context 100000 >large.txt 2>stderr
expect 'a batch that does not fit is told' grep -q '^warning: the KV cache holds' stderr

# --- plots

"$llmsim" "${config[@]}" --plot both.svg >both2.txt
"$llmsim" "${config[@]}" --plot both.png >both2.txt
expect 'the table beside a plot' cmp both.txt both2.txt
mkdir again
for plot in both.svg both.png both.html; do
    "$llmsim" "${config[@]}" --plot again/$plot >both2.txt
    expect "the same $plot twice" cmp $plot again/$plot
done
for plot in gemm.svg both.svg; do
    expect "$plot is XML" python3 -c 'import sys, xml.dom.minidom as m
assert m.parse(sys.argv[1]).documentElement.tagName == "svg"' $plot
    if command -v xmllint >/dev/null; then
        expect "$plot for xmllint" xmllint --noout $plot
    fi
done
expect 'a PNG that unpacks' python3 -c '
import struct, zlib
b = open("both.png", "rb").read()
assert b[:8] == b"\x89PNG\r\n\x1a\n"
at, kinds, data = 8, [], b""
while at < len(b):
    n, kind = struct.unpack(">I4s", b[at:at + 8])
    assert zlib.crc32(b[at + 4:at + 8 + n]) == struct.unpack(">I", b[at + 8 + n:at + 12 + n])[0]
    kinds.append(kind)
    data += b[at + 8:at + 8 + n] if kind == b"IDAT" else b""
    at += 12 + n
assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and b"tIME" not in kinds
assert len(zlib.decompress(data)) == 1280 * (1 + 3 * 1920)'
expect 'the data of the page' python3 -c '
import json
page = open("both.html", encoding="utf-8").read()
data = json.loads(page.split("id=\"data\">")[1].split("</script>")[0])["extra"]["plot"]
d = json.load(open("both.json"))
wanted = [(s, o["name"], o["intensity_flops_per_byte"]) for s in ("prefill", "decode")
          for o in d[s]["operators"] if o["flops"] > 0]
assert wanted == [(p["kind"], p["label"], p["intensity_flops_per_byte"]) for p in data["points"]]
assert "src=" not in page.split("<body>")[1] and "<link" not in page'
# --- what is wrong

echo before >out.json
echo before >out.svg

# fails NAME STATUS TEXT ARGUMENT...: one line with TEXT on stderr, and no file touched.
fails() {
    local name=$1 status=$2 text=$3
    shift 3
    "$llmsim" roofline "$@" >stdout 2>stderr </dev/null
    local got=$?
    expect "$name: status $got" test $got = "$status"
    expect "$name: $(head -n 2 stderr)" grep -qF -- "$text" stderr
    expect "$name: one line" test "$(grep -vc '^warning: ' stderr)" = 1
    expect "$name: no file written" test "$(cat out.json out.svg)" = $'before\nbefore'
    [ "$status" = 1 ] || expect "$name: nothing on stdout" test ! -s stdout
}

out=(--json out.json --plot out.svg)
for shape in '' 8192 1,2 1,2,3,4 1,2,3, 1,,3 0,1,1 1,-1,1 1,1,0 1e30,1,1 1.5,1,1 a,b,c ' 1,2,3' \
    '1, 2,3' 1000000001,1,1 99999999999999999999,1,1 1x2x3; do
    fails "--gemm '$shape'" 2 'expected M,N,K, three whole numbers from 1 to 1000000000' \
        -a h100-sxm --gemm "$shape" "${out[@]}"
done
fails 'an unknown dtype' 2 "(did you mean 'fp16'?)" -a h100-sxm --gemm 1,1,1 --dtype fp61 "${out[@]}"
fails 'a dtype of a list' 2 "'int4' is unknown" -a h100-sxm --gemm 1,1,1 --dtype fp16,int4 "${out[@]}"
fails 'no dtype' 2 "'' is unknown" -a h100-sxm --gemm 1,1,1 --dtype fp16, "${out[@]}"
fails 'a dtype twice' 2 '--dtype fp16 is given twice' -a h100-sxm --gemm 1,1,1 --dtype fp16,fp16 "${out[@]}"
fails 'no units' 2 'a100-sxm-40gb has no units for fp8' "${gemm[@]:1}" --dtype fp8 "${out[@]}"
fails 'an unknown accelerator' 2 "(did you mean 'h100-sxm'?)" -a h100-sxn --gemm 1,1,1 "${out[@]}"
fails 'an accelerator that is no file' 2 'missing.yaml: cannot be opened' -a ./missing.yaml --gemm 1,1,1 "${out[@]}"
fails 'an unknown key' 2 "unknown key 'bandwidth'" -a h100-sxm --gemm 1,1,1 -s accelerator.bandwidth=1 "${out[@]}"
fails 'a key of something else' 2 'only accelerator.KEY=VALUE' -a h100-sxm --gemm 1,1,1 -s engine.block_size=1 "${out[@]}"
fails 'no product' 2 '-a needs --gemm' -a h100-sxm "${out[@]}"
fails 'no accelerator' 2 'need -a ACCELERATOR' --gemm 1,1,1 "${out[@]}"
fails 'both' 2 '-a stands in place of a configuration' -a h100-sxm --gemm 1,1,1 x.yaml "${out[@]}"
fails 'a step of a product' 2 'need a configuration' -a h100-sxm --gemm 1,1,1 --batch 4 "${out[@]}"
fails 'nothing' 2 'no configuration given' "${out[@]}"
fails 'two configurations' 2 'more than one configuration' a.yaml b.yaml "${out[@]}"
fails 'no such configuration' 2 'missing.yaml: cannot be opened' missing.yaml "${out[@]}"
for number in 0 -1 1e3 x '' 1e30 100000001; do
    for option in --prompt --batch --context; do
        fails "$option '$number'" 2 "$option '$number': expected a whole number" "${config[1]}" $option "$number" "${out[@]}"
    done
done
fails 'a prompt of more than a step' 2 '--prompt 8193 is more than max_num_batched_tokens' "${config[1]}" --prompt 8193 "${out[@]}"
fails 'a batch of more than a step' 2 '--batch 1025 is more than max_num_seqs' "${config[1]}" --batch 1025 "${out[@]}"
fails 'a context beyond the model' 2 '--context 131073 is more than max_model_len' "${config[1]}" --context 131073 "${out[@]}"
fails 'a linear cost model' 2 'cost.model linear has no operators' "${config[1]}" -s 'cost={model: linear, base: 1 ms}' "${out[@]}"
for plot in x.pdf - '' x .svg; do
    fails "--plot '$plot'" 2 'a plot is a .svg, .png or .html file' missing.yaml --json out.json --plot "$plot"
done
fails 'a plot into no directory' 1 'missing/x.svg: cannot be written' "${config[1]}" --json out.json --plot missing/x.svg
ln -s /dev/full full.svg
fails 'a plot onto a full disk' 1 '/dev/full: cannot be written' "${config[1]}" --json out.json --plot full.svg
ln -s out.json same.svg
fails 'one file for both' 2 'cannot hold both' "${config[1]}" --json out.json --plot same.svg
cp "${config[1]}" own.svg
fails 'the configuration as output' 2 './own.svg: would overwrite own.svg' own.svg --json out.json --plot ./own.svg
cp "$top/configs/accelerators/h100-sxm.yaml" own.yaml
fails 'the accelerator as output' 2 './own.yaml: would overwrite' -a ./own.yaml --gemm 1,1,1 --json ./own.yaml
printf 'arrival_s,prompt_tokens,output_tokens\n0,10,x\n' >bad.csv
fails 'a bad row' 2 'bad.csv:2:' "$top/configs/a100_llama7b.yaml" -s "workload.trace=$work/bad.csv" "${out[@]}"

all_held
