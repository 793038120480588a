# Sourced by the tests of commands, before they change directory: counts what holds, and tells what does not.
passed=0
failed=0
exec 3>&1 # where failures are told, whatever stdout is

# expect NAME COMMAND...: the command succeeds.
expect() {
    local name=$1
    shift
    if "$@" >expect.log 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: %s\n' "$name" "$(head -n 5 expect.log)" >&3
    fi
}

# expect_refusal STATUS TEXT ARGUMENT...: llmsim so ends with that status and says the text, in one line, and
# nothing else.
expect_refusal() {
    local status=$1 text=$2
    shift 2
    "$llmsim" "$@" >stdout 2>stderr </dev/null
    local got=$?
    expect "status of $*" test $got = "$status"
    expect "'$text' of $*" grep -qF -- "$text" stderr
    expect "one line of $*" test "$(wc -l <stderr)" = 1
    expect "no result of $*" test ! -s stdout
}

# The test's last command: whether all has held.
all_held() {
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
}
