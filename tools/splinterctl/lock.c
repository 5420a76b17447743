/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - lock: a lease is held while a command runs */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "program.h"

enum { LOCK_TTL, LOCK_TIMEOUT };
const struct ctl_option ctl_lock_options[] = {
    [LOCK_TTL] = {"ttl", "MS", "if splinterctl hangs, the lease ends after MS\n"
                       "                       milliseconds"},
    [LOCK_TIMEOUT] = {"timeout", "MS", "wait at most MS milliseconds for the lease (0: not\n"
                               "                       at all)"},
    {NULL, NULL, NULL},
};

struct lease {
    splinter_store *store;
    const char *name;
    uint64_t ttl_ms, token;
    uint64_t renew_ms; /* when, by cli_now_ms() */
    bool lost;
};

static void acquire(struct lease *lease, uint64_t timeout_ms)
{
    const struct splinter_set_options options = {
        .struct_size = sizeof(options),
        .type = SPLINTER_TYPE_TEXT,
        .ttl_ns = lease->ttl_ms * 1000000,
    };
    int r = splinter_lease_acquire(lease->store, lease->name, NULL, 0, &options, timeout_ms,
                                   &lease->token);
    if (r == -ETIMEDOUT && !timeout_ms)
        cli_die(CLI_REFUSED, "lock '%s' of bus '%s' is held", lease->name, ctl_bus_name());
    if (r == -ETIMEDOUT)
        cli_die(CLI_TIMEOUT, "lock '%s' of bus '%s' was not free within %" PRIu64 " ms",
                lease->name, ctl_bus_name(), timeout_ms);
    if (r == -EEXIST)
        cli_die(CLI_REFUSED, "key '%s' of bus '%s' is no lock: it is not ephemeral", lease->name,
                ctl_bus_name());
    if (r)
        ctl_failed("acquire", lease->name, r);
}

static bool renew(struct lease *lease)
{
    if (!lease->ttl_ms || cli_now_ms() < lease->renew_ms)
        return true;
    lease->renew_ms = cli_now_ms() + lease->ttl_ms / 3;
    int r = splinter_lease_renew(lease->store, lease->name, lease->ttl_ms * 1000000,
                                 &lease->token);
    if (r == -ESTALE) {
        cli_warn("lock '%s' of bus '%s' was lost; the command gets SIGTERM", lease->name,
                 ctl_bus_name());
        lease->lost = true;
    }
    return r != -ESTALE; /* anything else may be gone at the next attempt */
}

#define LOOK_MS 1000 /* how often to look if the bus is still the one of that name */

static bool keep(void *arg)
{
    struct lease *lease = arg;
    if (!ctl_bus_was_replaced(lease->store))
        return renew(lease);
    cli_warn("bus '%s' was removed, and with it lock '%s'; the command gets SIGTERM",
             ctl_bus_name(), lease->name);
    lease->lost = true;
    return false;
}

int ctl_run_lock(const struct ctl_call *call)
{
    struct lease lease = {.store = call->store, .name = cli_key("NAME", call->arguments[0])};
    const char *ttl = call->given[LOCK_TTL], *timeout = call->given[LOCK_TIMEOUT];
    uint64_t timeout_ms = SPLINTER_FOREVER;
    if (ttl)
        lease.ttl_ms = cli_number("--ttl", ttl, 10, CLI_MS_MAX);
    if (timeout)
        timeout_ms = cli_number("--timeout", timeout, 0, CLI_MS_MAX);
    acquire(&lease, timeout_ms);

    char token[24];
    lease.renew_ms = cli_now_ms() + lease.ttl_ms / 3;
    snprintf(token, sizeof(token), "%" PRIu64, lease.token);
    const struct ctl_keeper keeper = {
        .every_ms = lease.ttl_ms && lease.ttl_ms / 3 < LOOK_MS ? lease.ttl_ms / 3 : LOOK_MS,
        .keep = keep, .arg = &lease, .token = token};
    int status = ctl_run_program(call->program, &keeper);
    if (lease.lost)
        return status ? status : CLI_FAILURE;
    int r = splinter_lease_release(lease.store, lease.name, lease.token);
    if (r == -ESTALE)
        cli_warn("lock '%s' of bus '%s' was lost before the command ended", lease.name,
                 ctl_bus_name());
    else if (r)
        cli_warn("cannot release lock '%s' of bus '%s': %s", lease.name, ctl_bus_name(),
                 strerror(-r));
    return r && !status ? CLI_FAILURE : status;
}
