/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trim.c - memory goes back to the system, and no reader ever meets a hole
 *
 * The library in here has its fault points.  While a get copies a value, another handle removes
 * the key and gives memory back.  Where the store is in memory, a reader that met the hole would
 * make it memory again: the blocks of the file tell.
 */
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#define VALUE (256u << 10)
#define NESTED 17 /* one more than a process has words to say what it reads */

static int backing;
static struct place place;
static splinter_store *store, *other;
static unsigned char value[VALUE], got[VALUE];

static void begin(void)
{
    store = place_make(&place, backing, 64, VALUE);
    other = place_again(&place, 0);
}

static void end(void)
{
    fault_hook = NULL;
    splinter_store_close(other);
    place_end(&place, store);
}

static void set(const char *key, int with)
{
    memset(value, with, sizeof(value));
    must(splinter_store_set(store, key, value, sizeof(value), NULL, NULL), "set");
}

static uint64_t memory(void)
{
    struct stat st;

    must(fstat(splinter_store_fd(store), &st) ? -errno : 0, "fstat");
    return (uint64_t)st.st_blocks * 512;
}

static uint64_t trim(splinter_store *s)
{
    uint64_t bytes = 0;

    must(splinter_store_trim(s, &bytes), "trim");
    return bytes;
}

/* Eight keys, which have gone: unset, or with a life that is over. */
static void had_eight(uint64_t ttl_ns)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = ttl_ns};
    char key[8] = "k0";

    memset(value, 'v', sizeof(value));
    for (; key[1] < '8'; key[1]++)
        must(splinter_store_set(store, key, value, sizeof(value), if_any(&o), NULL), "set");
    if (memory() < 8 * VALUE)
        die("eight values take less than they are");
    for (; !ttl_ns && key[1]-- > '0';)
        must(splinter_store_unset(store, key, 0, NULL), "unset");
}

/* ---- by itself, or when asked ---- */

static void trimmed(void)
{
    uint64_t before, bytes;
    unsigned char small[6000] = {1};

    begin();
    had_eight(0);
    before = memory();
    bytes = trim(store);
    /* [P6] */
    report(bytes >= 7 * VALUE && memory() <= before - bytes, "%s: a trim gives memory back",
           backing_names[backing]);
    report(!trim(store), "%s: a second one finds nothing more", backing_names[backing]);
    set("key", 'v');
    for (char key[8] = "s0"; key[1] < '8'; key[1]++)
        must(splinter_store_set(store, key, small, sizeof(small), NULL, NULL), "set");
    bytes = trim(store);
    report(!bytes && !splinter_store_get(store, "key", got, sizeof(got), NULL, NULL) &&
           !memcmp(got, value, VALUE), "%s: what keys have stays", backing_names[backing]);
    end();

    begin();
    had_eight(1);
    must(splinter_store_sweep(store) == 8 ? 0 : -EINVAL, "sweep");
    must(splinter_store_sync(store), "sync");
    report(memory() < 4 * VALUE, "%s: a sweep of much gives it back, or the sync that follows",
           backing_names[backing]);
    end();
}

/* The last block of the file, which ends with what that block has. */
static void one_value(void)
{
    begin();
    must(splinter_store_set(store, "key", value, VALUE / 2, NULL, NULL), "set");
    must(splinter_store_unset(store, "key", 0, NULL), "unset");
    report(trim(store) >= VALUE / 4, "%s: the memory of the only value comes back",
           backing_names[backing]);
    end();
}

/* ---- at a step of the reader ---- */

static const char *at_step;
static unsigned happened;
static uint64_t given_back;

/* The key goes, and what it had. */
static void removes(const char *step)
{
    if (strcmp(step, at_step))
        return;
    fault_hook = NULL;
    happened++;
    must(splinter_store_unset(other, "key", 0, NULL), "unset");
    given_back = trim(other);
}

static void a_reader_that_copies(void)
{
    size_t len;
    int rc;
    bool kept;

    begin();
    set("key", 'v');
    at_step = "reading: said";
    happened = 0;
    fault_hook = removes;
    rc = splinter_store_get(store, "key", got, sizeof(got), &len, NULL);
    kept = happened && rc == -ENOENT && !given_back;
    /* [P6] */
    report(kept, "%s: while a process copies a value, its memory stays", backing_names[backing]);
    report(trim(other) >= VALUE / 2, "%s: then it is given back", backing_names[backing]);
    end();
}

/* It has found the record, but not yet said so. */
static void a_reader_that_is_late(void)
{
    uint64_t before;
    size_t len;
    int rc;
    bool kept;

    begin();
    set("key", 'v');
    before = memory();
    at_step = "reading: not yet said";
    happened = 0;
    fault_hook = removes;
    rc = splinter_store_get(store, "key", got, sizeof(got), &len, NULL);
    kept = happened && rc == -ENOENT && given_back >= VALUE / 2 && memory() <= before - given_back;
    /* [P6] */
    report(kept, "%s: a process that is late does not touch the hole", backing_names[backing]);
    end();
}

static void a_reader_that_may_not_write(void)
{
    splinter_store *reads;
    uint64_t before;
    size_t len;
    int rc;
    bool kept;

    begin();
    set("key", 'v');
    reads = place_again(&place, SPLINTER_RDONLY);
    rc = splinter_store_get(reads, "key", got, sizeof(got), &len, NULL);
    report(!rc && len == sizeof(got) && !memcmp(got, value, len),
           "%s: a process that may not write gets a large value", backing_names[backing]);
    before = memory();
    at_step = "reading: by descriptor";
    happened = 0;
    fault_hook = removes;
    rc = splinter_store_get(reads, "key", got, sizeof(got), &len, NULL);
    kept = happened && rc == -ENOENT && given_back >= VALUE / 2 && memory() <= before - given_back;
    /* [P6] */
    report(kept, "%s: if its memory goes meanwhile, the hole stays one", backing_names[backing]);
    splinter_store_close(reads);
    end();
}

/* ---- more readers in a process than words ---- */

static unsigned depth, wrong;

static void reads_as_well(const char *step)
{
    unsigned char *buf;
    size_t len = 0;

    if (strcmp(step, "reading: said") || depth == NESTED)
        return;
    depth++;
    buf = malloc(VALUE);
    if (!buf || splinter_store_get(store, "key", buf, VALUE, &len, NULL) || len != VALUE ||
        memcmp(buf, value, VALUE))
        wrong++;
    free(buf);
}

static void many_readers(void)
{
    begin();
    set("key", 'v');
    depth = wrong = 0;
    fault_hook = reads_as_well;
    reads_as_well("reading: said");
    report(!wrong && depth > 12, "%s: %u gets at once in one process", backing_names[backing],
           depth);
    end();
}

/* ---- a descriptor that is somebody else's by now ---- */

static void a_stolen_descriptor(void)
{
    static unsigned char theirs[VALUE];
    char path[600];
    splinter_store *reads;
    size_t len;
    int fd, kept, closed, replaced, back;

    begin();
    set("key", 'v');
    reads = place_again(&place, SPLINTER_RDONLY);
    snprintf(path, sizeof(path), "%s/theirs", support_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    memset(theirs, 'x', sizeof(theirs));
    for (int i = 0; i < 200; i++)
        if (write(fd, theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs))
            die("write");
    kept = dup(splinter_store_fd(reads));
    close(splinter_store_fd(reads));
    closed = splinter_store_get(reads, "key", got, sizeof(got), &len, NULL);
    dup2(fd, splinter_store_fd(reads));
    replaced = splinter_store_get(reads, "key", got, sizeof(got), &len, NULL);
    dup2(kept, splinter_store_fd(reads));
    back = splinter_store_get(reads, "key", got, sizeof(got), &len, NULL);
    report(closed == -EBADF && replaced == -EBADF && !back && !memcmp(got, value, VALUE),
           "%s: a reader whose descriptor is another file's says so", backing_names[backing]);
    close(kept);
    close(fd);
    unlink(path);
    splinter_store_close(reads);
    end();
}

/* ---- deaths ---- */

static void dies(const char *step)
{
    if (!strcmp(step, at_step))
        _exit(9);
}

/* A process that gets a key and trims dies at this step; NULL: it does not.  Returns the memory
 * that is left in the end. */
static uint64_t a_death(const char *step)
{
    uint64_t left;
    pid_t pid;

    begin();
    had_eight(0);
    set("key", 'v');
    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        must(splinter_store_set(s, "mine", "x", 1, NULL, NULL), "set");
        at_step = step ? step : "none";
        fault_hook = dies;
        splinter_store_get(s, "key", got, sizeof(got), NULL, NULL);
        splinter_store_trim(s, NULL);
        splinter_store_close(s);
        _exit(0);
    }
    if (reap(pid) != (step ? 9 : 0))
        die("nobody died at '%s'", step);
    must(splinter_store_unset(store, "key", 0, NULL), "unset");
    /* A shorter value, where more memory may be than counts as reserved. */
    for (int i = 0; i < 2; i++)
        must(i ? splinter_store_unset(store, "short", 0, NULL)
               : splinter_store_set(store, "short", value, 20000, NULL, NULL), "set and unset");
    trim(store);
    left = memory();
    if (step)
        report(!trim(store) && !check_store(store), "%s: a death at '%s' keeps the store in order",
               backing_names[backing], step);
    end();
    return left;
}

static void deaths(void)
{
    static const char *const steps[] = {"reading: said", "trim: slab owned", "trim: lowered",
                                        "trim: given back"};
    uint64_t without = a_death(NULL);

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        report(a_death(steps[i]) <= without, "%s: a death at '%s' keeps no memory",
               backing_names[backing], steps[i]);
}

/* What was given back, and not noted, is not taken for reserved. */
static void room_after_a_death(void)
{
    char key[8] = "k0";
    unsigned fits = 0, then = 0;
    pid_t pid;

    begin();
    had_eight(0);
    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        at_step = "trim: given back";
        fault_hook = dies;
        splinter_store_trim(s, NULL);
    }
    if (reap(pid) != 9)
        die("nobody died");
    fail_reset();
    fail_errno = ENOSPC;
    fail_for_good = 1;
    fail_at[FAIL_fallocate] = 1;
    memset(value, 'w', sizeof(value));
    for (; key[1] < '8'; key[1]++)
        fits += !splinter_store_set(store, key, value, sizeof(value), NULL, NULL);
    fail_reset();
    for (key[1] = '0'; key[1] < '8'; key[1]++)
        then += !splinter_store_set(store, key, value, sizeof(value), NULL, NULL);
    /* [P6] */
    report(fits == 7 && then == 8, "%s: a block given back needs memory again (%u, then %u fit)",
           backing_names[backing], fits, then);
    end();
}

/* ---- all at once ---- */

static void reader_process(unsigned number)
{
    splinter_store *s = place_again(&place, number % 2 ? SPLINTER_RDONLY : 0);

    for (;;) {
        char key[8] = {'k', (char)('0' + random_next(&support_seed) % 4), 0};
        size_t len;
        int rc = splinter_store_get(s, key, got, sizeof(got), &len, NULL);

        if (rc && rc != -ENOENT && rc != -EAGAIN)
            _exit(3);
        for (size_t i = 1; !rc && i < len; i++)
            if (got[i] != got[0])
                _exit(4);
    }
}

static void all_at_once(void)
{
    pid_t readers[4];
    unsigned ended = 0, rounds = repeated(400);
    uint64_t bytes = 0;

    begin();
    for (unsigned i = 0; i < 4; i++) {
        readers[i] = fork_bound_child();
        if (!readers[i]) {
            support_seed += i + 1;
            reader_process(i);
        }
    }
    for (unsigned i = 0; i < rounds; i++) {
        char key[8] = {'k', (char)('0' + random_next(&support_seed) % 4), 0};
        size_t len = VALUE / 2 + random_next(&support_seed) % (VALUE / 2);

        memset(value, (int)(i % 256), len);
        must(splinter_store_set(store, key, value, len, NULL, NULL), "set");
        if (i % 3 == 0)
            splinter_store_unset(store, key, 0, NULL);
        bytes += trim(store);
    }
    for (unsigned i = 0; i < 4; i++) {
        kill(readers[i], SIGKILL);
        ended += reap(readers[i]) != 1000 + SIGKILL;
    }
    report(!ended && bytes && !check_store(store),
           "%s: values are whole while memory comes and goes", backing_names[backing]);
    end();
}

int main(void)
{
    support_start_in_memory();
    for (backing = 0; backing < BACKINGS; backing++) {
        trimmed();
        one_value();
        a_reader_that_copies();
        a_reader_that_is_late();
        a_reader_that_may_not_write();
        many_readers();
        a_stolen_descriptor();
        deaths();
        room_after_a_death();
        all_at_once();
    }
    return tap_end();
}
