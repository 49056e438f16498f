#!/bin/sh
# What `serve-vllm.sh` and `serve-transformers.sh` have in common: the old server ends, a new one is started and waited for. They read this
# file once `program` is set, a word that is in the server's command line. STP_URL comes from the run.

port=${STP_URL##*:}
port=${port%%/*}
state="${TMPDIR:-/tmp}/stp-$program-$port"
# The run gives a command an hour; one that ends before that can say why.
longest=3000

fail() {
    echo "$1" >&2
    exit 1
}

case $port in
    '' | *[!0-9]*) fail "$STP_URL has no port. Give it one in sampling.server.urls, such as http://localhost:8000." ;;
esac
command -v curl > /dev/null || command -v python3 > /dev/null ||
    fail "Neither curl nor python3 is on the PATH, and one of them has to ask whether the server answers."

# Asks the server: 0 if it answers, whatever it says, and 7 if nobody listens there. No proxy is asked.
ask() {
    if command -v curl > /dev/null; then
        curl --silent --output /dev/null --noproxy '*' --max-time 10 "$STP_URL/health"
    else
        python3 - "$STP_URL/health" 2> /dev/null << 'END'
import socket, sys, urllib.error, urllib.request
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10)
except urllib.error.HTTPError:
    pass
except urllib.error.URLError as error:
    sys.exit(1 if isinstance(error.reason, socket.timeout) else 7)
END
    fi
}

# Whether nobody listens at the port.
is_free() {
    status=0
    ask || status=$?
    [ "$status" = 7 ]
}

# Whether a process runs. One that has ended stays as a zombie where nobody waits for it, as in many containers.
runs() {
    kill -0 "$1" 2> /dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

# Whether a process is a server of this kind: its number may be another program's by now. Without /proc nobody can tell.
is_server() {
    [ ! -e /proc/self/cmdline ] || grep -qsi "$program" "/proc/$1/cmdline"
}

# Ends the server that was started here before: it must be gone before a sample is asked for. So must any other one: vLLM
# shares a port with whoever has it, and then a part of the samples would be of old weights.
end_old() {
    patience=0
    old=$(cat "$state.pid" 2> /dev/null || true)
    if [ -n "$old" ] && is_server "$old" && kill "$old" 2> /dev/null; then
        while runs "$old"; do sleep 1; done
        # Its parts may end later than itself.
        patience=30
    fi
    until is_free; do
        [ "$patience" -gt 0 ] || fail "Somebody already listens at $STP_URL, whom $0 did not start. End that server, or take another port in sampling.server.urls."
        patience=$((patience - 1))
        sleep 1
    done
}

# Starts the server with this command line, and waits until it answers: one that dies would be waited for in vain.
start() {
    nohup "$@" > "$state.log" 2>&1 < /dev/null &
    new=$!
    echo "$new" > "$state.pid"
    end=$(($(date +%s) + longest))
    until ask; do
        runs "$new" || give_up "ended before it answered"
        if [ "$(date +%s)" -ge "$end" ]; then
            kill "$new" 2> /dev/null || true
            give_up "did not answer for $longest s and was ended"
        fi
        sleep 1
    done
}

# Shows the end of what the server said. The run shows the end of what is said here.
give_up() {
    tail -n 20 "$state.log" >&2 || true
    fail "The server at $STP_URL $1; all that it said is in $state.log"
}
