/* SPDX-License-Identifier: Apache-2.0 */
/* meanwhile_owner.c - leases, ephemeral keys, and a wait for many keys, while others act */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meanwhile.h"
#include "support.h"

static void (*call)(void), (*what)(void);

static uint64_t epoch_of(const char *key)
{
    struct splinter_meta m = {.struct_size = sizeof(m)};

    return splinter_store_get(store, key, NULL, 0, NULL, &m) ? 0 : m.epoch;
}

/* ---- a lease ---- */

static uint64_t mine, theirs; /* tokens */
static int got, others_got;   /* what the two calls have returned */
static size_t lease_size;

static const void *lease_value(void)
{
    static const uint8_t value[1000] = {1};

    return value;
}

static void releases_it(void)
{
    int rc = splinter_lease_release(other, "lease", theirs);

    expect(!rc, "a release: %s", strerror(-rc));
    others_got = -ESTALE;
}

static void releases_and_acquires_it(void)
{
    releases_it();
    others_got = splinter_lease_acquire(other, "lease", lease_value(), lease_size, NULL, 0,
                                        &theirs);
}

static void closes_its_handle(void)
{
    splinter_store_close(other);
    other = another(0);
    others_got = -ESTALE;
}

static void acquiring(void)
{
    got = splinter_lease_acquire(store, "lease", lease_value(), lease_size, NULL, 3, &mine);
    expect(!got || got == -ETIMEDOUT, "an acquire: %s", strerror(-got));
}

/* [C4] */
static void during_an_acquire(uint64_t n)
{
    round_begin(BACKING_MEMFD, 16, 2000, 0);
    must(splinter_store_set(store, "k", "v", 1, NULL, NULL), "set");
    must(splinter_lease_acquire(other, "lease", lease_value(), lease_size, NULL, 0, &theirs),
         "acquire");
    others_got = 0;
    at_load(n, what);
    acquiring();
    was_done();
    if (got && others_got) { /* it was free only after the last look */
        expect(!epoch_of("lease"), "nobody has it, and it is there");
        acquiring();
    }
    expect(!got + !others_got == 1, "%d have it", !got + !others_got);
    expect(epoch_of("lease") == (got ? theirs : mine), "it has not the token of its holder");
    round_end();
}

/* The holder's token is used by another handle, which has the lease then. */
static void takes_it_over(void)
{
    theirs = mine;
    others_got = splinter_lease_renew(other, "lease", 0, &theirs);
    expect(!others_got || others_got == -ESTALE, "a renewal: %s", strerror(-others_got));
}

static void unsets_it(void)
{
    others_got = splinter_store_unset(other, "lease", mine, NULL);
    /* Who is stopped in a release may have the lock of the key. */
    expect(!others_got || others_got == -ESTALE || others_got == -ENOENT || others_got == -EAGAIN,
           "an unset: %s", strerror(-others_got));
}

static void renewing(void)
{
    uint64_t token = mine;

    got = splinter_lease_renew(store, "lease", 1000000000000, &token);
    expect(!got == (token != mine), "a renewal gives another token, and only if it succeeds");
}

static void releasing(void)
{
    got = splinter_lease_release(store, "lease", mine);
}

/* [C4] */
static void during_a_holders_call(uint64_t n)
{
    round_begin(BACKING_MEMFD, 16, 2000, 0);
    must(splinter_store_set(other, "k", "v", 1, NULL, NULL), "set");
    must(splinter_lease_acquire(store, "lease", lease_value(), lease_size, NULL, 0, &mine),
         "acquire");
    others_got = -ESTALE;
    at_load(n, what);
    call();
    was_done();
    expect(!got || got == -ESTALE, "the holder: %s", strerror(-got));
    expect(!got + !others_got == 1, "%d had the right token", !got + !others_got);
    expect(!epoch_of("lease") ==
               ((!got && call == releasing) || (!others_got && what == unsets_it)),
           "the lease is %s", epoch_of("lease") ? "there" : "gone");
    round_end();
}

static void leases(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } acts[] = {{"a release", releases_it},
                {"a release and an acquire", releases_and_acquires_it},
                {"the end of its holder", closes_its_handle}};

    for (unsigned i = 0; i < 6; i++) {
        what = acts[i % 3].act;
        lease_size = i / 3 ? 1000 : 20;
        rounds(during_an_acquire, "an acquire of %zu bytes meets %s", lease_size, acts[i % 3].name);
    }
    for (unsigned i = 0; i < 8; i++) {
        call = i & 1 ? renewing : releasing;
        what = i & 2 ? unsets_it : takes_it_over;
        lease_size = i & 4 ? 1000 : 20;
        rounds(during_a_holders_call, "a %s of %zu bytes meets %s",
               i & 1 ? "renewal" : "release", lease_size, i & 2 ? "an unset" : "another holder");
    }
}

/* ---- an ephemeral key, whose owner goes, and whose place the next one gets ---- */

static int own(splinter_store *s, const char *key)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL};

    return splinter_store_set(s, key, "owned", 5, &o, NULL);
}

static void owner_goes(void)
{
    splinter_store_close(other);
    other = another(0);
}

static void next_owner_comes(void)
{
    owner_goes();
    must(own(other, "another key"), "set");
}

static void owner_sets_it_plainly(void)
{
    int rc = splinter_store_set(other, "key", "plain", 5, NULL, NULL);

    /* Who is stopped in the call may have the lock of the key. */
    expect(!rc || rc == -EAGAIN, "a set: %s", strerror(-rc));
}

static void getting(void)
{
    got = splinter_store_get(store, "key", NULL, 0, NULL, NULL);
}

static void setting_if_absent(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_IF_ABSENT};

    got = splinter_store_set(store, "key", "mine", 4, &o, NULL);
}

static void waiting(void)
{
    got = splinter_store_wait(store, "key", mine, 3, NULL);
}

static void removing(void)
{
    got = splinter_store_unset(store, "key", 0, NULL);
}

/* [C4] */
static void during_use_of_it(uint64_t n)
{
    char value[8];
    size_t len = 0;
    bool done;
    int rc;

    round_begin(BACKING_MEMFD, 16, 100, 0);
    must(splinter_store_set(store, "k", "v", 1, NULL, NULL), "set");
    must(own(other, "key"), "set");
    mine = epoch_of("key");
    at_load(n, what);
    call();
    done = was_done();
    expect(!got || got == -ENOENT || (got == -EEXIST && call == setting_if_absent) ||
               (got == -ETIMEDOUT && call == waiting), "the call: %s", strerror(-got));
    expect(done || !got == (call != setting_if_absent && call != waiting),
           "nobody interferes, and the call: %s", strerror(-got));
    if (!done || what == owner_sets_it_plainly) {
        round_end();
        return;
    }
    rc = splinter_store_get(third, "key", value, sizeof(value), &len, NULL);
    if (call == setting_if_absent && !got)
        expect(!rc && len == 4 && !memcmp(value, "mine", 4), "what was set is not there");
    else
        expect(rc == -ENOENT, "the key outlives its owner: %s", strerror(-rc));
    round_end();
}

static void ephemeral_keys(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } calls[] = {{"a get", getting},
                 {"a set if absent", setting_if_absent},
                 {"a wait", waiting},
                 {"an unset", removing}},
      acts[] = {{"the end of its owner", owner_goes},
                {"the next owner in its place", next_owner_comes},
                {"a plain set", owner_sets_it_plainly}};

    for (unsigned c = 0; c < sizeof(calls) / sizeof(*calls); c++)
        for (unsigned a = 0; a < sizeof(acts) / sizeof(*acts); a++) {
            call = calls[c].act;
            what = acts[a].act;
            rounds(during_use_of_it, "%s of an ephemeral key meets %s", calls[c].name,
                   acts[a].name);
        }
}

/* ---- a wait for many keys ---- */

static uint64_t changed;

static void sets_the_second(void)
{
    must(splinter_store_set(other, "two", "w", 1, NULL, &changed), "set");
}

static void unsets_the_second(void)
{
    must(splinter_store_unset(other, "two", 0, NULL), "unset");
}

static void sets_both(void)
{
    sets_the_second();
    must(splinter_store_set(other, "one", "w", 1, NULL, NULL), "set");
}

static void sets_what_nobody_waits_for(void)
{
    must(splinter_store_set(other, "none of them", "w", 1, NULL, NULL), "set");
}

static void interrupts(void)
{
    must(splinter_store_interrupt(store), "interrupt");
}

/* [P8] */
static void during_a_wait(uint64_t n)
{
    const char *keys[] = {"one", "two", "not there"};
    uint64_t epochs[3] = {0}, epoch = 0;
    size_t which = 9;
    int want = 0;

    round_begin(BACKING_MEMFD, 16, 100, 0);
    must(splinter_store_set(store, "one", "v", 1, NULL, &epochs[0]), "set");
    must(splinter_store_set(store, "two", "v", 1, NULL, &epochs[1]), "set");
    changed = 0;
    at_load(n, what);
    got = splinter_store_wait_many(store, keys, epochs, 3, 3, &which, &epoch);
    if (was_done() && what != sets_what_nobody_waits_for)
        want = what == unsets_the_second ? -ENOENT : what == interrupts ? -EINTR : 0;
    else
        want = -ETIMEDOUT;
    /* What happens when the time is over may be told, or not. */
    expect(got == want || got == -ETIMEDOUT, "%s instead of %s", strerror(-got), strerror(-want));
    if (!got || got == -ENOENT)
        expect(which == 1 && (got || epoch == changed), "key %zu is told, epoch %llu", which,
               (unsigned long long)epoch);
    if (got == -ETIMEDOUT && want != -ETIMEDOUT && want != -EINTR)
        expect(splinter_store_wait_many(store, keys, epochs, 3, 0, NULL, NULL) == want,
               "the next wait does not tell of it");
    round_end();
}

static void many(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } acts[] = {{"a set", sets_the_second},
                {"an unset", unsets_the_second},
                {"two sets", sets_both},
                {"a set of another key", sets_what_nobody_waits_for},
                {"an interrupt", interrupts}};

    for (unsigned i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        what = acts[i].act;
        rounds(during_a_wait, "a wait for many keys meets %s", acts[i].name);
    }
}

void owners(void)
{
    leases();
    ephemeral_keys();
    many();
}
