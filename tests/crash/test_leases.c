/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_leases.c - a lease under random deaths and stops never has two live holders
 *
 * Workers acquire one lease and hold it for random times.  Others are killed and stopped at random
 * moments.  The shared account has the holder: who comes after one that did not release has to come
 * after one that was to be killed, and that does not move any more.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define WORKERS 4
#define LIVES 400

static struct account {
    uint32_t holder; /* number of the life that holds it + 1; 0: none */
    uint32_t doomed[LIVES];
    uint64_t moves[LIVES];
    uint64_t token; /* the largest so far */
    uint32_t held, wrong;
} *account;

static struct place place;

static uint32_t get32(uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void wrong(const char *what)
{
    printf("# %s\n", what);
    fflush(stdout);
    __atomic_add_fetch(&account->wrong, 1, __ATOMIC_SEQ_CST);
}

static uint64_t moves_of(uint32_t life)
{
    return __atomic_load_n(&account->moves[life], __ATOMIC_SEQ_CST);
}

/* This life has the lease: nobody else has. */
static void hold(uint32_t life, uint64_t token, uint64_t *seed)
{
    uint32_t before = __atomic_exchange_n(&account->holder, life + 1, __ATOMIC_SEQ_CST);
    uint32_t me = life + 1;

    if (before) {
        uint64_t moves = moves_of(before - 1);

        if (!get32(&account->doomed[before - 1]))
            wrong("the lease was taken from a holder that lives");
        nap(seed, 300);
        if (moves_of(before - 1) != moves)
            wrong("a holder goes on after it lost the lease");
    }
    if (token <= __atomic_exchange_n(&account->token, token, __ATOMIC_SEQ_CST))
        wrong("a later holder has no larger token");
    for (unsigned i = (unsigned)(random_next(seed) % 8); i; i--) {
        __atomic_add_fetch(&account->moves[life], 1, __ATOMIC_SEQ_CST);
        nap(seed, 50);
        if (get32(&account->holder) != me)
            wrong("there is another holder");
    }
    __atomic_add_fetch(&account->held, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_compare_exchange_n(&account->holder, &me, 0, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        wrong("another one has taken the lease");
}

__attribute__((noreturn)) static void work(uint32_t life)
{
    uint64_t seed = support_seed + life * UINT64_C(0x9E3779B97F4A7C15) + 1, token;
    splinter_store *s = place_again(&place, 0);

    for (;;) {
        if (splinter_lease_acquire(s, "lease", NULL, 0, NULL, SPLINTER_FOREVER, &token)) {
            wrong("acquire");
            _exit(1);
        }
        hold(life, token, &seed);
        if (splinter_lease_release(s, "lease", token))
            wrong("release");
        nap(&seed, 100);
    }
}

static pid_t start(uint32_t life)
{
    pid_t pid = fork_bound_child();

    if (!pid)
        work(life);
    return pid;
}

static void end(pid_t pid, uint32_t life)
{
    __atomic_store_n(&account->doomed[life], 1, __ATOMIC_SEQ_CST);
    must(kill(pid, SIGKILL), "kill");
    if (reap(pid) != 1000 + SIGKILL)
        wrong("a worker ended by itself");
}

static void play(int backing, unsigned deaths)
{
    splinter_store *s = place_make(&place, backing, 16, 100);
    uint64_t seed = support_seed;
    uint32_t life[WORKERS], lives = 0;
    pid_t pid[WORKERS];

    account = shared_memory(sizeof(*account));
    for (int i = 0; i < WORKERS; i++)
        pid[i] = start(life[i] = lives++);
    for (unsigned n = 0; n < deaths; n++) {
        int i = (int)(random_next(&seed) % WORKERS);

        nap(&seed, 4000);
        if (n % 4 == 0) { /* a stop is no end */
            must(kill(pid[i], SIGSTOP), "stop");
            nap(&seed, 8000);
            must(kill(pid[i], SIGCONT), "continue");
        }
        end(pid[i], life[i]);
        pid[i] = start(life[i] = lives++);
    }
    /* Who is left gets it. */
    for (uint32_t held = get32(&account->held); get32(&account->held) < held + WORKERS;)
        sleep_ms(1);
    for (int i = 0; i < WORKERS; i++)
        end(pid[i], life[i]);
    /* [C4] */
    report(!account->wrong, "%s: never two live holders, in %u leases and %u deaths",
           backing_names[backing], account->held, deaths + WORKERS);
    report(!check_store(s), "%s: the store is in order", backing_names[backing]);
    place_end(&place, s);
}

int main(void)
{
    support_start_in_memory();
    alarm(300);
    play(BACKING_MEMORY, repeated(80));
    play(BACKING_FILE, repeated(40));
    return tap_end();
}
