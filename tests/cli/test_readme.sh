#!/bin/sh
# test_readme.sh LLMSIM TOP: what the README shows is what the program prints, every command that it
# names works, and every file that it links to is there.
set -u
llmsim=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

check() { # NAME STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $1"
    fi
}

# $work stands for the checkout: the commands write files.
cp -r "$top/configs" "$work"
tar -c -C "$top" --exclude=traces/originals traces | tar -x -C "$work"
mkdir "$work/build" "$work/tests"
cp -r "$top/tests/golden" "$work/tests"
ln -s "$llmsim" "$work/build/llmsim"
cd "$work" || exit 1

sed -n '/<!-- run -->/,/<!-- \/run -->/p' "$top/README.md" | grep -v -e '<!--' -e '```' >shown
"$llmsim" configs/a100_llama7b.yaml -q >printed
diff shown printed
check 'the output of the first command' $?

sed -n '/<!-- sweep -->/,/<!-- \/sweep -->/p' "$top/README.md" | grep -v -e '<!--' -e '```' >shown
"$llmsim" sweep configs/sweeps/parallel_accelerators.yaml -q -o parallel.csv >printed
diff shown printed
check 'the table of the sweep' $?

sed -n '/<!-- capacity -->/,/<!-- \/capacity -->/p' "$top/README.md" | grep -v -e '<!--' -e '```' >shown
"$llmsim" capacity configs/a100_llama7b.yaml -s slo="{ttft: {p99: 1 s}, tpot: {p99: 50 ms}}" \
    -s accelerator.price_per_hour=1.6 --load 3 -q >printed
diff shown printed
check 'the capacity' $?

sed -n '/<!-- policies -->/,/<!-- \/policies -->/p' "$top/README.md" | grep -v '<!--' >shown
"$top/tools/compare-policies" "$llmsim" configs/a100_llama7b.yaml >printed
diff shown printed
check 'the table of the policies' $?

grep '^    build/llmsim' "$top/README.md" >commands
while read -r command; do
    sh -c "$command" >/dev/null 2>errors || { cat errors; false; }
    check "$command" $?
done <commands

sed -n '/<!-- datasheet -->/,/<!-- \/datasheet -->/p' "$top/configs/README.md" >section
sed -n '/^```yaml/,/^```$/p' section | grep -v '```' >rtx-6000-ada.yaml
command=$(grep '^    build/llmsim' section)
sh -c "$command -q" 2>errors | head -n 1 >printed
grep -q '^llama-2-7b on 1 x rtx-6000-ada (datasheet; efficiencies of rtx-4090), ' printed
check 'an accelerator from its datasheet' $?
test ! -s errors
check 'without a warning' $?

printf 'm,n,k,dtype,latency_us\n' >gemm.csv
for m in 1 2 4 8 16 32 64 96 128 192 256 384 512 1024 2048 4096 8192 16384; do
    for nk in 512,512 512,4096 1024,16384 4096,512 4096,4096 6144,4096 8192,8192 28672,4096 512,28672; do
        n=${nk%,*}
        k=${nk#*,}
        "$llmsim" roofline -a rtx-6000-ada.yaml -s accelerator.gemm.compute_efficiency=0.8 \
            --gemm "$m,$n,$k" --dtype bf16 --json - | awk '/predicted_time_s/ {print $2 * 1e6}' >time
        echo "$m,$n,$k,bfloat16,$(cat time)" >>gemm.csv
    done
done
sed -n '/<!-- measured -->/,/<!-- \/measured -->/p' "$top/configs/README.md" | grep '^    build' >commands
while read -r command; do
    sh -c "$command" >/dev/null 2>errors || { cat errors; false; }
    check "$command" $?
done <commands

# Every example of generated traffic generates, and its printed configuration the same.
printf 'tokens,count\n10,3\n700,1\n' >lengths.csv
cat >traffic.yaml <<END
model: llama-2-7b
accelerator: a100-sxm-80gb
workload:
  arrivals: {process: poisson, rate: 8}
  prompt_tokens: {distribution: exponential, mean: 100}
  output_tokens: {distribution: exponential, mean: 100}
  num_requests: 200
END
sed -n '/^## Generated/,/^## Every/s/^| `\({[^`]*}\)`.*/\1/p' "$top/configs/README.md" >examples
test "$(wc -l <examples)" -ge 18
check 'examples of generated traffic' $?
while read -r example; do
    case $example in
    *process:*) key=workload.arrivals ;;
    *) key=workload.prompt_tokens ;;
    esac
    "$llmsim" trace generate traffic.yaml -s "$key=$example" >generated 2>errors &&
        "$llmsim" --print-config traffic.yaml -s "$key=$example" >printed.yaml &&
        "$llmsim" trace generate printed.yaml 2>>errors | cmp - generated || { cat errors; false; }
    check "$example" $?
done <examples

for file in README.md src/README.md configs/README.md traces/README.md; do
    sed -n 's/.*](\([^)#:]*\)).*/\1/p' "$top/$file" >links
    while read -r link; do
        test -e "$top/$(dirname "$file")/$link"
        check "$file links to $link" $?
    done <links
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
