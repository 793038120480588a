#!/bin/bash
# test_fetch_traces.sh LLMSIM TOP: tools/fetch-traces against a server of our own: what it lists, fetches,
# resumes, refuses and keeps. The real files are not at hand, so a copy of the script expects ours instead.
set -u
top=$(realpath "$2")
fetch=$top/tools/fetch-traces
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

check() { # NAME STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $1"
        cat printed errors
    fi
}

expect() { # NAME STATUS COMMAND...: the command's exit status
    local name=$1 status=$2
    shift 2
    "$@" >printed 2>errors
    [ $? -eq "$status" ]
    check "$name" $?
}

says() { # NAME PATTERN FILE: one line, with the pattern in it
    [ "$(wc -l <"$3")" -eq 1 ] && grep -q "$2" "$3"
    check "$1" $?
}

# --- a server with two traces

mkdir served
python3 "$top/tests/cli/range_server.py" "$work/served" &
server=$!
for _ in $(seq 100); do
    [ -s served/port ] && break
    sleep 0.1
done
LLMSIM_FETCH_MIRROR=http://127.0.0.1:$(cat served/port)
no_proxy=127.0.0.1
export LLMSIM_FETCH_MIRROR no_proxy
multimodal=AzureLMMInferenceTrace_multimodal.csv.gz
azure=served/raw.githubusercontent.com/Azure/AzurePublicDataset
conv=$azure/790921015d50dd6aae7f7e47f39ba0e235ad6b08/data/AzureLLMInferenceTrace_conv.csv
mkdir -p "$(dirname "$conv")" "$azure/master/data"
cp "$top/traces/conversation.csv" "$conv"
gzip -c "$top/traces/conversation.csv" >"$azure/master/data/$multimodal"
published=$(sed -n '/AzureLLMInferenceTrace_conv.csv"/{n;s/.*"\([0-9a-f]\{64\}\)".*/\1/p}' "$fetch")
ours=$(sha256sum <"$conv" | cut -d' ' -f1)
mkdir tools
sed "s/$published/$ours/" "$fetch" >tools/fetch-traces
chmod +x tools/fetch-traces

# --- the list, and names

expect 'the list' 0 "$fetch" --list
grep -q '^azure-2023-conv .*AzureLLMInferenceTrace_conv.csv, CC-BY 4.0$' printed
check 'the list says file and licence' $?
expect 'no name' 2 "$fetch"
expect 'an unknown name' 2 "$fetch" mooncake-toolagnet -d out
says 'did you mean' 'mooncake-toolagnet: did you mean mooncake-toolagent?' errors
expect 'a name like no other' 2 "$fetch" azure-2023-conv xyzzy -d out
says 'where to look' 'xyzzy: tools/fetch-traces --list' errors
[ ! -e out ] && [ ! -e served/requests ]
check 'an unknown name does nothing' $?

# --- a file with a known checksum

expect 'not the published file' 1 "$fetch" azure-2023-conv -d wrong
says 'which checksum' "AzureLLMInferenceTrace_conv.csv: SHA-256 is $ours, not $published: thrown away" errors
[ -z "$(ls wrong)" ]
check 'nothing is left of it' $?

expect 'fetched' 0 tools/fetch-traces azure-2023-conv
cmp -s traces/originals/AzureLLMInferenceTrace_conv.csv "$conv"
check 'where it is, and what' $?
grep -q '^azure-2023: CC-BY 4.0, .*Cite: Patel et al., Splitwise' printed
check 'licence and citation' $?
(cd traces/originals && sha256sum -c --quiet SHA256SUMS)
check 'the record' $?
[ "$(ls traces/originals)" = "AzureLLMInferenceTrace_conv.csv
SHA256SUMS" ]
check 'no .part is left' $?

rm served/requests
expect 'once more' 0 tools/fetch-traces azure-2023-conv
grep -q 'is there already; as published' printed && [ ! -e served/requests ]
check 'nothing is fetched twice' $?
echo >>traces/originals/AzureLLMInferenceTrace_conv.csv
expect 'a file that changed' 1 tools/fetch-traces azure-2023-conv
says 'what to do with it' 'move it away to fetch it anew' errors
[ -s traces/originals/AzureLLMInferenceTrace_conv.csv ]
check "somebody's file is not removed" $?

# --- an interrupted download

mkdir resumed
head -c 300000 "$conv" >resumed/AzureLLMInferenceTrace_conv.csv.part
expect 'a .part is continued' 0 tools/fetch-traces azure-2023-conv -d resumed
grep -q 'AzureLLMInferenceTrace_conv.csv bytes=300000-$' served/requests
check 'only the rest was asked for' $?
cmp -s resumed/AzureLLMInferenceTrace_conv.csv "$conv"
check 'both halves' $?
mkdir complete
cp "$conv" complete/AzureLLMInferenceTrace_conv.csv.part
expect 'a .part that is complete' 0 tools/fetch-traces azure-2023-conv -d complete
mkdir stale
head -c 300000 /dev/zero >stale/AzureLLMInferenceTrace_conv.csv.part
expect 'a .part of another file' 1 tools/fetch-traces azure-2023-conv -d stale
[ -z "$(ls stale)" ]
check 'is thrown away' $?

touch "$conv.cut"
expect 'the connection breaks' 1 tools/fetch-traces azure-2023-conv -d broken
size=$(wc -c <"$conv")
says 'where' "broke after $((size / 2)) of $size bytes; run again to go on" errors
[ "$(ls broken)" = AzureLLMInferenceTrace_conv.csv.part ]
check 'what came is kept' $?
rm "$conv.cut"
expect 'run again' 0 tools/fetch-traces azure-2023-conv -d broken
cmp -s broken/AzureLLMInferenceTrace_conv.csv "$conv"
check 'it goes on' $?

# --- a file without a known checksum

expect 'fetched unchecked' 0 tools/fetch-traces azure-2025 -d unchecked
grep -q "$multimodal: fetched; no checksum of it is known; recorded in SHA256SUMS" printed
check 'and said so' $?
rm "unchecked/$multimodal"
expect 'the same again' 0 tools/fetch-traces azure-2025-multimodal -d unchecked
grep -q 'fetched; the same as recorded in SHA256SUMS' printed
check 'compared' $?
rm "unchecked/$multimodal"
echo more >>"$azure/master/data/$multimodal"
expect 'it has changed since' 1 tools/fetch-traces azure-2025-multimodal -d unchecked
[ "$(ls unchecked)" = SHA256SUMS ]
check 'nothing is left of that' $?
mkdir restarted
head -c 1000 "$conv" >"restarted/$multimodal.part"
rm served/requests
expect 'a .part that nothing vouches for' 0 tools/fetch-traces azure-2025-multimodal -d restarted
grep -q "$multimodal all$" served/requests
check 'starts anew' $?

# --- several at once, one of which is not there

expect 'one of two' 1 tools/fetch-traces azure-2023 -d several
says 'the other' 'AzureLLMInferenceTrace_code.csv: HTTP status 404' errors
[ -s several/AzureLLMInferenceTrace_conv.csv ] && grep -q '^azure-2023: CC-BY' printed
check 'the one is there' $?
kill "$server"
wait "$server" 2>/dev/null
server=
expect 'no server' 1 tools/fetch-traces azure-2023-conv -d none
says 'that' 'refused' errors

echo "$passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
