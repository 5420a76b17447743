/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - set and append: a key gets a value */
#include <errno.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "program.h"
#include "value.h"

enum {
    SET_STDIN, SET_FILE, /* as those of append */
    SET_TTL, SET_TYPE, SET_IF_ABSENT, SET_IF_EPOCH, SET_EPHEMERAL
};
const struct ctl_option ctl_set_options[] = {
    [SET_STDIN] = {"stdin", NULL, "take the value from standard input, any bytes"},
    [SET_FILE] = {"file", "PATH", "take the value from a file"},
    [SET_TTL] = {"ttl", "MS", "the value expires after MS milliseconds"},
    [SET_TYPE] = {"type", "TYPE", "label it bytes (the default), text, json, int64 (VALUE\n"
                                  "                       is a whole number), or 256 to 65535"},
    [SET_IF_ABSENT] = {"if-absent", NULL, "only if the key is absent, else status 5"},
    [SET_IF_EPOCH] = {"if-epoch", "N", "only if the key's epoch is still N, else status 5"},
    [SET_EPHEMERAL] = {"ephemeral", NULL, "the key lives as long as COMMAND runs"},
    {NULL, NULL, NULL},
};
const struct ctl_option ctl_append_options[] = {
    [SET_STDIN] = {"stdin", NULL, "take the bytes from standard input"},
    [SET_FILE] = {"file", "PATH", "take the bytes from a file"},
    {NULL, NULL, NULL},
};

static struct ctl_source source_of(const struct ctl_call *call)
{
    return (struct ctl_source){
        .argument = call->count > 1 ? call->arguments[1] : NULL,
        .file = call->given[SET_FILE],
        .from_stdin = call->given[SET_STDIN],
    };
}

/* A script learns the epoch; for a person, no news is good news. */
static void print_epoch(const char *key, uint64_t epoch)
{
    const struct ctl_field fields[] = {ctl_text("key", key), ctl_number("epoch", epoch)};
    if (ctl_json())
        ctl_print_record(fields, 2);
}

static struct splinter_set_options set_options_of(const struct ctl_call *call)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    const char *const *given = call->given;
    if (given[SET_TTL])
        options.ttl_ns = cli_number("--ttl", given[SET_TTL], 1, CLI_MS_MAX) * 1000000;
    if (given[SET_TYPE])
        options.type = cli_type("--type", given[SET_TYPE]);
    if (given[SET_IF_ABSENT] && given[SET_IF_EPOCH])
        cli_usage("--if-absent and --if-epoch exclude each other");
    if (given[SET_IF_ABSENT])
        options.flags |= SPLINTER_IF_ABSENT;
    if (given[SET_IF_EPOCH]) {
        options.flags |= SPLINTER_IF_EPOCH;
        options.if_epoch = cli_number("--if-epoch", given[SET_IF_EPOCH], 1, UINT64_MAX);
    }
    if (given[SET_EPHEMERAL])
        options.flags |= SPLINTER_EPHEMERAL;
    return options;
}

int ctl_run_set(const struct ctl_call *call)
{
    const struct ctl_keeper nothing = {0};
    struct splinter_set_options options = set_options_of(call);
    struct ctl_source source = source_of(call);
    const char *key = cli_key("KEY", call->arguments[0]);
    uint64_t epoch;
    size_t len;
    if (call->count > 2)
        cli_usage("set: too many arguments: it takes KEY and VALUE; a COMMAND needs --ephemeral");
    const void *bytes = ctl_take_value(&source, options.type, &len);
    int r = splinter_store_set(call->store, key, bytes, len, &options, &epoch);
    if (r)
        ctl_failed("set", key, r);
    print_epoch(key, epoch);
    if (!call->program)
        return CLI_OK;
    int status = ctl_run_program(call->program, &nothing);
    ctl_forget(); /* the key goes with the handle */
    return status;
}

int ctl_run_append(const struct ctl_call *call)
{
    struct ctl_source source = source_of(call);
    const char *key = cli_key("KEY", call->arguments[0]);
    uint64_t epoch;
    size_t len;
    const void *bytes = ctl_take_value(&source, SPLINTER_TYPE_BYTES, &len);
    int r = splinter_store_append(call->store, key, bytes, len, &epoch);
    if (r)
        ctl_failed("append to", key, r);
    print_epoch(key, epoch);
    return CLI_OK;
}
