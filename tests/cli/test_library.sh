#!/bin/bash
# test_library.sh BUILD TOP: what is installed can be built against: header, library, pkg-config, example.
set -u
build=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAIL $*"
    exit 1
}

meson install -C "$build" --no-rebuild --destdir "$work/root" >install.log 2>&1 || fail "meson install: $(tail -n 3 install.log)"
pc=$(find root -name llmsim.pc)
[ -n "$pc" ] || fail 'no llmsim.pc is installed'
export PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_PATH=$work/$(dirname "$pc")
flags=$(pkg-config --cflags --libs llmsim) || fail 'pkg-config'
if nm "$build/llmsim" 2>/dev/null | grep -q __asan_init; then
    echo 'skipped: with sanitizers a program without them is not built against the library'
    exit 77
fi
# shellcheck disable=SC2086 # flags are words
cc -std=c11 -Wall -Wextra -Werror "$top/examples/best_batch.c" $flags -o best_batch || fail 'the example does not build'
printf '#include <llmsim/llmsim.h>\nint main() { return llmsim_version() == nullptr; }\n' >header.cc
# shellcheck disable=SC2086
if command -v c++ >/dev/null && ! c++ header.cc $flags -o header; then fail 'the header is not C++ too'; fi

library=$(dirname "$(find "$work/root" -name 'libllmsim.so')")
configs=$work/root$(pkg-config --variable=configs llmsim | sed "s|^$work/root||")
LD_LIBRARY_PATH=$library ./best_batch "$configs/a100_llama7b.yaml" "$configs" >printed || fail 'the example does not run'
[ "$(wc -l <printed)" = 7 ] || fail "the example printed $(cat printed)"
installed=$(find "$work/root" -path '*/bin/llmsim')
while read -r _ size _ _ ttft _ tokens _; do
    size=${size%:}
    "$installed" "$configs/a100_llama7b.yaml" -q -s engine.max_num_seqs="$size" --json run.json >/dev/null || fail "the program with $size"
    python3 - "$ttft" "$tokens" <<'END' || fail "max_num_seqs $size: the library and the program differ"
import json, sys
run = json.load(open("run.json"))
sys.exit(f"{run['p99_ttft_ms']:.1f}" != sys.argv[1] or f"{run['output_throughput']:.1f}" != sys.argv[2])
END
done < <(grep '^max_num_seqs' printed | sed 's/max_num_seqs */max_num_seqs /')
grep -q '^best: ' printed || fail 'no best'
others=$(nm -D --defined-only "$library/libllmsim.so" | awk '$2 ~ /[TDBR]/ && $3 !~ /^llmsim_/ {print $3}')
[ -z "$others" ] || fail "the library shows $others"
LD_LIBRARY_PATH=$library ./best_batch nothing.yaml >/dev/null 2>stderr
[ $? = 2 ] || fail 'an error is not the status'
grep -q 'nothing.yaml: cannot be opened' stderr || fail "an error: $(cat stderr)"
echo passed
