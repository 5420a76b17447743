/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - create and destroy: a bus comes and goes */
#include <errno.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "commands.h"

enum { CREATE_SLOTS, CREATE_MAX_VALUE, CREATE_MODE, CREATE_FEED };
const struct ctl_option ctl_create_options[] = {
    [CREATE_SLOTS] = {"slots", "N", "room for N keys (default 1024)"},
    [CREATE_MAX_VALUE] = {"max-value", "BYTES", "values of up to BYTES bytes (default 65536)"},
    [CREATE_MODE] = {"mode", "MODE", "permissions MODE, less the umask (default 600)"},
    [CREATE_FEED] = {"feed", "N", "keep the last N changes of each writer (default 0)"},
    {NULL, NULL, NULL},
};

enum { DESTROY_FORCE };
const struct ctl_option ctl_destroy_options[] = {
    [DESTROY_FORCE] = {"force", NULL, "do not ask"},
    {NULL, NULL, NULL},
};

int ctl_run_create(const struct ctl_call *call)
{
    struct splinter_open_options options = {
        .struct_size = sizeof(options), .slots = CLI_DEFAULT_SLOTS,
        .max_value = CLI_DEFAULT_MAX_VALUE};
    const char *const *given = call->given;
    if (given[CREATE_SLOTS])
        options.slots = (size_t)cli_number("--slots", given[CREATE_SLOTS], 1, SPLINTER_SLOTS_MAX);
    if (given[CREATE_MAX_VALUE])
        options.max_value =
            (size_t)cli_number("--max-value", given[CREATE_MAX_VALUE], 1, SPLINTER_VALUE_MAX);
    if (given[CREATE_MODE])
        options.mode = cli_mode("--mode", given[CREATE_MODE]);
    if (given[CREATE_FEED])
        options.feed = (size_t)cli_number("--feed", given[CREATE_FEED], 0, CLI_FEED_MAX);
    ctl_create(&options);
    return CLI_OK;
}

int ctl_run_destroy(const struct ctl_call *call)
{
    const char *name = ctl_bus_name();
    uint32_t where = ctl_bus_where();
    struct cli_file file;
    if (!cli_file_of(name, where, &file))
        cli_open_failed(name, -errno);
    if (!call->given[DESTROY_FORCE])
        ctl_confirm("Remove bus '%s' with all that is in it?", name);
    int r = splinter_store_unlink(name, where);
    if (r == -ENOENT)
        cli_open_failed(name, r);
    if (r) {
        const char *why = splinter_last_error();
        cli_die(CLI_FAILURE, "cannot remove bus '%s': %s", name, *why ? why : strerror(-r));
    }
    ctl_forget();
    return CLI_OK;
}
