/* SPDX-License-Identifier: Apache-2.0 */
/* test_meanwhile.c - whatever somebody else does at any moment of a call; see meanwhile.h */
#include "meanwhile.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"
#include "watch.h"

#define LOADS_MOST 3000 /* of a call that are looked at, */
#define ALL_LOADS 64    /* each of the first ones */

splinter_store *store, *other, *third;

static struct place place;
static char scene[200];
static uint64_t load;
static unsigned faults, hits, apart;
static void (*act)(void);

void watch_reached(void)
{
    void (*now)(void) = act;

    watch_event = 0;
    act = NULL;
    if (now) {
        hits++;
        now();
    }
}

void at_load(uint64_t n, void (*what)(void))
{
    act = what;
    watch_event = watch_loads + n;
}

bool was_done(void)
{
    bool done = !act;

    act = NULL;
    watch_event = 0;
    return done;
}

static void die_here(void)
{
    kill(getpid(), SIGKILL);
}

bool dies_at_load(uint64_t n, void (*call)(splinter_store *s))
{
    pid_t pid = fork_bound_child();
    int status;

    if (!pid) {
        splinter_store *s = another(0);

        must(splinter_store_set(s, "child's", "v", 1, NULL, NULL), "set");
        at_load(n, die_here);
        call(s);
        _exit(0);
    }
    status = reap(pid);
    expect(!status || status == 1000 + SIGKILL, "the child ended with %d", status);
    hits += status != 0;
    return status;
}

void round_begin(int backing, size_t slots, size_t max_value, size_t feed)
{
    place_feed = feed;
    store = place_make(&place, backing, slots, max_value);
    place_feed = 0;
    other = place_again(&place, 0);
    third = place_again(&place, 0);
}

splinter_store *another(uint32_t flags)
{
    return place_again(&place, flags);
}

void round_end(void)
{
    expect(!check_store(store), "the store is not in order");
    splinter_store_close(third);
    splinter_store_close(other);
    place_end(&place, store);
    store = other = third = NULL;
}

void rounds(void (*round)(uint64_t n), const char *format, ...)
{
    va_list args;
    unsigned before;

    va_start(args, format);
    vsnprintf(scene, sizeof(scene), format, args);
    va_end(args);
    faults = hits = 0;
    load = 1;
    do {
        before = hits;
        round(load);
        load += load < ALL_LOADS ? 1 : 1 + load / apart;
    } while (hits > before && load < LOADS_MOST && faults < 20);
    report(!faults && hits > 3, "%s, at %u moments", scene, hits);
}

void expect(bool that, const char *format, ...)
{
    va_list args;

    if (that || ++faults > 20)
        return;
    printf("# %s, before load %llu: ", scene, (unsigned long long)load);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

int main(void)
{
    support_start_in_memory();
    apart = getenv("SPLINTER_TEST_SHORT") || SANITIZED ? 8 : 50;
    feeds();
    topics();
    queues();
    owners();
    return tap_end();
}
