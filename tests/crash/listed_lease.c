/* SPDX-License-Identifier: Apache-2.0 */
/* listed_lease.c - what the calls for leases return; see test_listed.c */
#include <string.h>
#include <unistd.h>

#include "listed.h"

/* ---- those that change something, after lease_before() ---- */

uint64_t lease;

void lease_before(splinter_store *s)
{
    must(splinter_lease_acquire(s, "lease", value, LEASE_SIZE, NULL, 0, &lease), "acquire");
}

void lease_of_the_dead(void)
{
    pid_t pid = fork_child();

    if (!pid) {
        lease_before(again(0));
        _exit(0);
    }
    must(reap(pid), "a holder");
}

int a_lease_acquired(splinter_store *s)
{
    uint64_t got;

    return splinter_lease_acquire(s, "lease", value, LEASE_SIZE, NULL, 0, &got);
}

int a_lease_renewed(splinter_store *s)
{
    uint64_t renewed = lease;

    return splinter_lease_renew(s, "lease", 0, &renewed);
}

int a_lease_released(splinter_store *s)
{
    return splinter_lease_release(s, "lease", lease);
}

/* ---- arguments, and what the store has ---- */

/* Another handle takes the lease over when the call has found that the token is right. */
static splinter_store *taker;

static void takes_over(void)
{
    uint64_t got = lease;

    must(splinter_lease_renew(taker, "lease", 0, &got), "take over");
}

static void lost_races(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE);

    taker = again(0);
    set(taker, "k", 1);
    lease_before(s);
    act_at("set: begun", takes_over);
    returned(__LINE__, "splinter_lease_renew", a_lease_renewed(s), -ESTALE);
    must(splinter_store_unset(s, "lease", 0, NULL), "unset");
    lease_before(s);
    act_at("lock: named", takes_over);
    returned(__LINE__, "splinter_lease_release", a_lease_released(s), -ESTALE);
    splinter_store_close(taker);
    splinter_store_close(s);
    unlink(path);
    done("leases that are lost at the last moment");
}

void leases(void)
{
    struct splinter_set_options o = {.struct_size = 5000};
    splinter_store *s = make(SLOTS, MAX_VALUE), *r = again(SPLINTER_RDONLY), *q = again(0);
    char key[SPLINTER_KEY_MAX + 1];
    const char *const keys[] = {"l"};
    const uint64_t epochs[] = {0};
    uint64_t got = 0, held;

    memset(key, 'k', SPLINTER_KEY_MAX);
    key[SPLINTER_KEY_MAX] = 0;
    set(s, "k", 100);
    GIVES(EINVAL, splinter_lease_acquire(s, "", NULL, 0, NULL, 0, &got));
    GIVES(ENAMETOOLONG, splinter_lease_acquire(s, key, NULL, 0, NULL, 0, &got));
    GIVES(EMSGSIZE, splinter_lease_acquire(s, "l", value, MAX_VALUE + 1, NULL, 0, &got));
    GIVES(E2BIG, splinter_lease_acquire(s, "l", NULL, 0, &o, 0, &got));
    GIVES(EROFS, splinter_lease_acquire(r, "l", NULL, 0, NULL, 0, &got));
    GIVES(EEXIST, splinter_lease_acquire(s, "k", NULL, 0, NULL, SPLINTER_FOREVER, &got));
    must(splinter_lease_acquire(s, "l", NULL, 0, NULL, 0, &held), "acquire");
    GIVES(ETIMEDOUT, splinter_lease_acquire(q, "l", NULL, 0, NULL, 0, &got));
    splinter_store_interrupt(q);
    GIVES(EINTR, splinter_lease_acquire(q, "l", NULL, 0, NULL, SPLINTER_FOREVER, &got));
    splinter_store_resume(q);
    GIVES(EINVAL, splinter_lease_renew(s, "", 0, &held));
    GIVES(ENAMETOOLONG, splinter_lease_renew(s, key, 0, &held));
    GIVES(EROFS, splinter_lease_renew(r, "l", 0, &held));
    got = held + 1;
    GIVES(ESTALE, splinter_lease_renew(s, "l", 0, &got));
    GIVES(EINVAL, splinter_lease_release(s, "l", 0));
    GIVES(ENAMETOOLONG, splinter_lease_release(s, key, held));
    GIVES(EROFS, splinter_lease_release(r, "l", held));
    GIVES(ESTALE, splinter_lease_release(s, "l", held + 1));
    close(splinter_store_fd(q));
    GIVES(EBADF, splinter_store_wait(q, "l", 0, 0, NULL));
    GIVES(EBADF, splinter_store_wait_many(q, keys, epochs, 1, 0, NULL, NULL));
    GIVES(EBADF, splinter_store_get(q, "l", NULL, 0, NULL, NULL));
    splinter_store_close(r);
    r = again(0); /* it gets the number */
    GIVES(EBADF, splinter_store_fd(q));
    GIVES(EBADF, splinter_store_get(q, "l", NULL, 0, NULL, NULL));
    splinter_store_close(q);
    splinter_store_close(r);
    splinter_store_close(s);
    unlink(path);
    done("arguments of leases");
    lost_races();
}
