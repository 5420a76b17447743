# SPDX-License-Identifier: Apache-2.0
# findings.sh - for tests that look for what is wrong and write it to $tmp/why; sourced.  TAP.
# shellcheck disable=SC2154 # who sources this has made tmp
n=0
# empty NAME: passes if nothing was found that is wrong.
empty() {
    n=$((n + 1))
    if [ -s "$tmp/why" ]; then
        sed 's/^/# /' "$tmp/why"
        echo "not ok $n - $1"
    else
        echo "ok $n - $1"
    fi
}
