# SPDX-License-Identifier: Apache-2.0
# layout.awk - from lib/layout.h, a line of C for each thing in it that is part of the format:
#
#     FIELD(structure, member)   STRUCTURE(structure)   NUMBER(name)   TEXT(name)
#
# It reads what layout.h is written in, and gives up on anything else.  That is on purpose: a field
# that it does not understand would otherwise be missing from the comparison.

{ text = text $0 "\n" }

function fail(what) {
    print "layout.awk: cannot read: " what > "/dev/stderr"
    failed = 1
    exit 1
}

END {
    if (failed)
        exit 1
    while ((at = index(text, "/*")) > 0) {
        rest = substr(text, at + 2)
        end = index(rest, "*/")
        text = substr(text, 1, at - 1) " " substr(rest, end + 2)
    }
    count = split(text, lines, "\n")
    structure = ""
    pending = ""
    for (i = 1; i <= count; i++) {
        line = lines[i]
        sub(/^[ \t]+/, "", line)
        sub(/[ \t]+$/, "", line)
        if (line == "")
            continue
        if (structure == "") {
            if (line ~ /^#define [A-Z0-9_]+ /) {
                name = line
                sub(/^#define /, "", name)
                value = name
                sub(/ .*/, "", name)
                sub(/^[^ ]+ +/, "", value)
                # It says how many bits this machine's words have.
                if (name == "STORE_WORD_BITS")
                    continue
                print (value ~ /^"/ ? "TEXT(" : "NUMBER(") name ")"
            } else if (line ~ /^struct [a-z_]+ \{$/) {
                structure = line
                sub(/^struct /, "", structure)
                sub(/ \{$/, "", structure)
            } else if (line ~ /^(struct|union|enum|typedef) /)
                fail(line)
            continue
        }
        if (line == "};") {
            if (pending != "")
                fail(pending)
            print "STRUCTURE(" structure ")"
            structures++
            structure = ""
            continue
        }
        # A declaration ends with its semicolon.
        pending = pending (pending == "" ? "" : " ") line
        if (pending !~ /;$/)
            continue
        declaration = pending
        pending = ""
        sub(/;$/, "", declaration)
        sub(/^alignas\([0-9]+\) /, "", declaration)
        if (declaration !~ /^(struct [a-z_]+|u?int[0-9]+_t|char) [a-z_0-9]+/ || declaration ~ /[;(*:{]/ && declaration !~ /sizeof/)
            fail(declaration)
        sub(/^struct /, "", declaration)
        sub(/^[a-z_0-9]+ /, "", declaration)
        members = split(declaration, member, /, */)
        for (j = 1; j <= members; j++) {
            sub(/\[.*/, "", member[j])
            if (member[j] !~ /^[a-z_0-9]+$/)
                fail(declaration)
            print "FIELD(" structure ", " member[j] ")"
        }
    }
    if (structures < 8)
        fail("eight structures at least; there are " structures)
}
