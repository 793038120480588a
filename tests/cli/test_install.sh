#!/bin/bash
# test_install.sh BUILD: what is installed works by itself, from anywhere: program, manual page, completion.
set -u
. "$(dirname "$0")/expect.sh"
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset LLMSIM_CONFIGS

expect 'meson install' meson install -C "$build" --no-rebuild --destdir "$work/root"
llmsim=$(find root -path '*/bin/llmsim')
share=$(dirname "$(find root -type d -path '*/share/llmsim/configs')")
expect 'the shipped run' "$llmsim" "$share/configs/a100_llama7b.yaml" -q
cat >own.yaml <<END
model: llama-2-7b
accelerator: h100-sxm
workload:
  arrivals: {process: poisson, rate: 8}
  prompt_tokens: {distribution: constant, value: 100}
  output_tokens: {distribution: constant, value: 10}
  num_requests: 50
END
expect 'names, from elsewhere' "$llmsim" own.yaml -q
expect 'a shipped sweep' "$llmsim" sweep "$share/configs/sweeps/a100_token_budget.yaml" -s workload.max_requests=200 -q

# --- the manual page

page=$(find root -name llmsim.1)
expect 'a manual page' test -s "$page"
if command -v man >/dev/null && man --version >/dev/null 2>&1; then
    MANWIDTH=220 man --warnings -E UTF-8 -l "$page" >page.txt 2>warnings
    expect 'it is well-formed' test ! -s warnings
    col -bx <page.txt >plain.txt 2>/dev/null || cp page.txt plain.txt
    "$llmsim" help >help.txt
    for word in $(grep -o -- '--[a-z][a-z-]*' help.txt | sort -u) $(sed -n '2,$s/^llmsim \([a-z]*\) .*/\1/p' help.txt); do
        expect "the page has $word" grep -qF -- "$word" plain.txt
    done
    expect 'nothing of it is left to be filled in' sh -c '! grep -q "@[A-Z]*@" plain.txt'
    # shellcheck disable=SC2013 # commands without blanks within words
    grep -o "^ *llmsim [^ ]*configs/.*" plain.txt | sed "s|[^ ]*share/llmsim|$share|" >examples
    expect 'it has examples' test "$(wc -l <examples)" -ge 2
    sed -i "s|^ *llmsim|$llmsim|" examples
    while read -r example; do
        expect "$example" sh -c "$example -q"
    done <examples
else
    echo 'skipped: there is no man: the page was not formatted'
fi

# --- completion

completion=$(find root -path '*/bash-completion/completions/llmsim')
expect 'a completion' test -s "$completion"
PATH=$work/$(dirname "$llmsim"):$PATH
# shellcheck disable=SC1090
. "$work/$completion"

# completes WANTED WORD...: the last word may become the wanted one.
completes() {
    local wanted=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _llmsim 2>/dev/null
    expect "'$*' becomes $wanted: ${COMPREPLY[*]:0:5}" grep -qxF -- "$wanted" <(printf '%s\n' "${COMPREPLY[@]}")
}
completes sweep llmsim sw
completes capacity llmsim ''
completes own.yaml llmsim ow
completes --html llmsim own.yaml --ht
completes --resume llmsim sweep --re
completes --precision llmsim capacity own.yaml --p
completes engine.max_num_seqs= llmsim own.yaml -s engine.max_num_s
completes a100-sxm-80gb llmsim roofline -a a100
completes llama-2-7b llmsim calibrate --model llama-2
completes mooncake llmsim trace convert x --format moon
completes generate llmsim trace gen
completes choices llmsim help ch
for command in run roofline trace calibrate sweep capacity validate; do
    for option in $("$llmsim" help $command | grep -o -- '^ *\(-[a-z], \)\?--[a-z][a-z-]*' | grep -o -- '--.*'); do
        completes "$option" llmsim $command x "${option%?}"
    done
done

all_held
