/* SPDX-License-Identifier: Apache-2.0 */
/* change.c - unset, incr, decr and touch: what is there is changed */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "output.h"

enum { UNSET_PREFIX, UNSET_FORCE };
const struct ctl_option ctl_unset_options[] = {
    [UNSET_PREFIX] = {"prefix", "P", "remove all keys that begin with P; asks before it does"},
    [UNSET_FORCE] = {"force", NULL, "do not ask"},
    {NULL, NULL, NULL},
};

/* ---- unset ---- */

static void print_removed(uint64_t count)
{
    const struct ctl_field field = ctl_number("removed", count);
    ctl_print_record(&field, 1);
}

static uint64_t count_keys(splinter_store *store, const char *prefix)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t count = 0, cursor = 0;
    while (splinter_store_walk(store, prefix, &cursor, key, NULL) == 1)
        count++;
    return count;
}

static int unset_prefix(const struct ctl_call *call, const char *prefix)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0, removed = 0;
    if (!*prefix || strlen(prefix) >= splinter_key_max())
        cli_usage("--prefix: it takes 1 to %zu bytes", splinter_key_max() - 1);
    uint64_t count = count_keys(call->store, prefix);
    if (count && !call->given[UNSET_FORCE])
        ctl_confirm("Remove %" PRIu64 " key%s that begin%s with '%s' from bus '%s'?", count,
                    CLI_S(count), count == 1 ? "s" : "", prefix, ctl_bus_name());
    int walked;
    while ((walked = splinter_store_walk(call->store, prefix, &cursor, key, NULL)) == 1) {
        int r = splinter_store_unset(call->store, key, 0, NULL);
        if (r && r != -ENOENT) /* another process was first */
            ctl_failed("remove", key, r);
        removed += !r;
    }
    if (walked)
        cli_die(CLI_FAILURE, "cannot walk over the keys of bus '%s': %s", ctl_bus_name(),
                strerror(-walked));
    print_removed(removed);
    return CLI_OK;
}

int ctl_run_unset(const struct ctl_call *call)
{
    const char *prefix = call->given[UNSET_PREFIX];
    int status = CLI_OK;
    uint64_t removed = 0;
    if (!!prefix == !!call->count)
        cli_usage("unset: it takes keys, or --prefix");
    if (prefix)
        return unset_prefix(call, prefix);
    for (int i = 0; i < call->count; i++)
        cli_key("KEY", call->arguments[i]);
    for (int i = 0; i < call->count; i++) {
        const char *key = call->arguments[i];
        int r = splinter_store_unset(call->store, key, 0, NULL);
        if (r == -ENOENT) {
            cli_warn("key '%s' does not exist in bus '%s'", key, ctl_bus_name());
            status = CLI_ABSENT;
        } else if (r) {
            ctl_failed("remove", key, r);
        } else {
            removed++;
        }
    }
    if (ctl_json())
        print_removed(removed);
    return status;
}

/* ---- incr and decr ---- */

static noreturn void add_failed(const char *key, int r)
{
    if (r == -ERANGE)
        cli_die(CLI_FAILURE, "key '%s' would leave the range of an int64; it was not changed", key);
    if (r == -EINVAL)
        cli_die(CLI_FAILURE, "key '%s' is no number: its type is not int64, which set --type "
                "int64 gives it", key);
    ctl_failed("add to", key, r);
}

static int add(const struct ctl_call *call, bool subtract)
{
    const char *key = cli_key("KEY", call->arguments[0]);
    const char *text = call->count > 1 ? call->arguments[1] : "1";
    int64_t delta, sum;
    if (!cli_parse_int64(text, strlen(text), &delta) || (subtract && delta == INT64_MIN))
        cli_usage("N: '%s' is not allowed; it takes a whole number of 64 bits", text);
    int r = splinter_store_add(call->store, key, subtract ? -delta : delta, &sum);
    if (r)
        add_failed(key, r);
    const struct ctl_field fields[] = {
        ctl_text("key", key), {.name = "int64", .kind = CTL_SIGNED, .signed_number = sum}};
    if (ctl_json())
        ctl_print_record(fields, 2);
    else
        cli_out_printf(&ctl_out, "%" PRId64 "\n", sum);
    return CLI_OK;
}

int ctl_run_incr(const struct ctl_call *call)
{
    return add(call, false);
}

int ctl_run_decr(const struct ctl_call *call)
{
    return add(call, true);
}

/* ---- touch ---- */

int ctl_run_touch(const struct ctl_call *call)
{
    const char *key = cli_key("KEY", call->arguments[0]);
    uint64_t epoch;
    int r = splinter_store_touch(call->store, key, &epoch);
    if (r)
        ctl_failed("touch", key, r);
    const struct ctl_field fields[] = {ctl_text("key", key), ctl_number("epoch", epoch)};
    if (ctl_json())
        ctl_print_record(fields, 2);
    return CLI_OK;
}
