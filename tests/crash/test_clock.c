/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_clock.c - ends of life, while somebody sets the clock, and over boots
 *
 * The clocks that the library reads, and the boot id, are this test's.  Time passes by hours in a
 * step; what it really takes makes no difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAIL_INSIDE
#include "fail.h"
#include "support.h"
#include "tap.h"

#define MINUTE INT64_C(60000000000)
#define HOUR (60 * MINUTE)
#define YEAR (365 * 24 * HOUR)

static int64_t real_shift, boot_shift;
static int backing, faults;
static const char *context = "";
static struct place place;
static splinter_store *store, *reader;

/* In front of the C library. */
int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t shift = id == CLOCK_REALTIME ? real_shift : id == CLOCK_BOOTTIME ? boot_shift : 0;
    int rc = (int)syscall(SYS_clock_gettime, id, t);
    int64_t ns = t->tv_sec * INT64_C(1000000000) + t->tv_nsec + shift;

    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    return rc;
}

static void time_passes(int64_t ns)
{
    real_shift += ns;
    boot_shift += ns;
}

/* The machine starts again.  CLOCK_BOOTTIME is a minute then, and this is another boot. */
static void boots(int64_t away)
{
    static char path[600];
    static unsigned boot;
    struct timespec t;
    FILE *f;

    snprintf(path, sizeof(path), "%s/boot-id", support_dir());
    f = fopen(path, "w");
    if (!f || fprintf(f, "%08x-0000-4000-8000-000000000000\n", ++boot) < 0 || fclose(f))
        die("%s: %s", path, strerror(errno));
    fail_boot_id = path;
    syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t);
    boot_shift = MINUTE - (t.tv_sec * INT64_C(1000000000) + t.tv_nsec);
    real_shift += away;
}

#define expect(ok, what) expect_at(__LINE__, ok, what)
static void expect_at(int line, bool ok, const char *what)
{
    if (ok)
        return;
    faults++;
    printf("# %s: %s (line %d)\n", context, what, line);
}

static int set(const char *key, int64_t life, uint32_t flags)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = flags,
                                     .ttl_ns = (uint64_t)life};

    return splinter_store_set(store, key, "v", 1, &o, NULL);
}

/* Minutes of its life that are left, rounded up; 0: it has ended. */
static int64_t left(splinter_store *s, const char *key)
{
    struct splinter_meta m = {.struct_size = sizeof(m)};
    char name[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    bool met = false;
    int rc = splinter_store_get(s, key, NULL, 0, NULL, &m);

    while (splinter_store_walk(s, key, &cursor, name, NULL) == 1)
        met |= !strcmp(name, key);
    expect(met == !rc, "a get and a walk disagree");
    expect(splinter_store_wait(s, key, 0, 0, NULL) == (rc ? -ETIMEDOUT : 0),
           "a get and a wait disagree");
    if (rc && rc != -ENOENT)
        die("get: %s", strerror(-rc));
    return rc ? 0 : (int64_t)(m.ttl_ns + MINUTE - 1) / MINUTE;
}

#define lives(key, minutes) lives_at(__LINE__, key, minutes)
static void lives_at(int line, const char *key, int64_t minutes)
{
    expect_at(line, left(store, key) == minutes, "a writer finds another life");
    expect_at(line, left(reader, key) == minutes, "a reader finds another life");
}

static void begin(void)
{
    real_shift = boot_shift = 0;
    fail_boot_id = NULL;
    faults = 0;
    store = place_make(&place, backing, 64, 100);
    reader = place_again(&place, SPLINTER_RDONLY);
}

static void closed(void)
{
    splinter_store_close(reader);
    splinter_store_close(store);
}

static void opened(void)
{
    store = place_again(&place, 0);
    reader = place_again(&place, SPLINTER_RDONLY);
}

static void end(void)
{
    expect(!check_store(store), "the store is not in order");
    splinter_store_close(reader);
    place_end(&place, store);
    report(!faults, "%s: %s", backing_names[backing], context);
}

/* ---- within a boot ---- */

static void ahead(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    lives("k", 60);
    real_shift += YEAR;
    lives("k", 60);
    expect(set("k", HOUR, SPLINTER_IF_ABSENT) == -EEXIST, "it was granted twice");
    must(set("new", HOUR, 0), "set");
    lives("new", 60);
    time_passes(HOUR / 2);
    lives("k", 30);
    expect(splinter_store_sweep(store) == 0, "something was swept");
    end();
}

static void there_and_back(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    must(set("short", MINUTE, 0), "set");
    real_shift += YEAR;
    time_passes(MINUTE);
    expect(left(reader, "short") == 0, "a minute is over for the reader");
    lives("k", 59);
    real_shift -= 2 * YEAR;
    lives("short", 0);
    lives("k", 59);
    must(set("new", HOUR, SPLINTER_IF_ABSENT), "set");
    lives("new", 60);
    expect(set("new", HOUR, SPLINTER_IF_ABSENT) == -EEXIST, "it was granted twice");
    time_passes(HOUR - MINUTE);
    lives("k", 0);
    lives("new", 1);
    end();
}

static void back_first(void)
{
    begin();
    real_shift -= 40 * YEAR;
    must(set("k", HOUR, 0), "set");
    lives("k", 60);
    real_shift += 80 * YEAR;
    lives("k", 60);
    time_passes(HOUR);
    real_shift -= 40 * YEAR;
    lives("k", 0);
    end();
}

static void while_closed(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    closed();
    real_shift += YEAR;
    opened();
    lives("k", 60);
    closed();
    real_shift -= 2 * YEAR;
    time_passes(HOUR / 2);
    opened();
    lives("k", 30);
    end();
}

static void snapshots(void)
{
    struct place to;
    splinter_store *s;

    begin();
    real_shift += YEAR;
    must(set("k", HOUR, 0), "set");
    must(set("forever", INT64_MAX, 0), "set");
    time_passes(MINUTE);
    place_new(&to, BACKING_FILE);
    must(splinter_store_snapshot(store, to.name, 0), "snapshot");
    real_shift -= YEAR;
    s = place_again(&to, 0);
    expect(left(s, "k") == 59, "the copy has another life");
    expect(left(s, "forever") > 100 * YEAR / MINUTE, "the copy has an end of what has none");
    place_end(&to, s);
    end();
}

/* wait_any is told, and then comes to rest. */
static void told(splinter_store *s, uint64_t epoch, const char *what)
{
    int rc = splinter_store_wait_any(s, epoch, 3000, &epoch);

    expect(!rc, what);
    for (int i = 0; i < 100 && !rc; i++)
        rc = splinter_store_wait_any(s, epoch, 1, &epoch);
    expect(rc == -ETIMEDOUT, "a wait does not come to rest");
}

static void ends_are_told(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    begin();
    must(set("long", 10 * HOUR, 0), "set");
    must(set("k", HOUR, 0), "set");
    must(set("later", 2 * HOUR, 0), "set");
    for (int round = 0; round < 2; round++) {
        must(splinter_store_stat(store, &st), "stat");
        for (int i = 0; i < 5; i++) /* what was under way is told */
            splinter_store_wait_any(store, st.epoch, 1, &st.epoch);
        expect(splinter_store_wait_any(store, st.epoch, 1, NULL) == -ETIMEDOUT, "told too early");
        expect(splinter_store_wait_any(reader, st.epoch, 1, NULL) == -ETIMEDOUT,
               "a reader was told too early");
        time_passes(HOUR);
        told(reader, st.epoch, "a reader was not told that a life ended");
        told(store, st.epoch, "a writer was not told that a life ended");
        told(reader, st.epoch, "a reader was not told what a writer was");
    }
    lives("long", 8 * 60);
    end();
}

/* ---- over boots ---- */

static void over_a_boot(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    must(set("short", 40 * MINUTE, 0), "set");
    closed();
    boots(30 * MINUTE);
    opened();
    lives("k", 30);
    lives("short", 10);
    time_passes(10 * MINUTE);
    real_shift -= YEAR;
    lives("k", 20);
    lives("short", 0);
    must(set("other", 0, 0), "set"); /* so that the close notes how late it is */
    closed();
    boots(0); /* the clock is still wrong, as it was when the store was closed */
    opened();
    lives("k", 20);
    lives("short", 0);
    closed();
    real_shift -= YEAR; /* and then even more */
    boots(0);
    opened();
    lives("k", 20);
    lives("short", 0);
    end();
}

/* The first who opens it after a boot may only read. */
static void reader_first(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    must(set("short", 10 * MINUTE, 0), "set");
    closed();
    boots(10 * MINUTE);
    reader = place_again(&place, SPLINTER_RDONLY);
    expect(left(reader, "k") == 50 && !left(reader, "short"), "a reader finds another life");
    real_shift += YEAR;
    expect(left(reader, "k") == 50, "the clock ended a life for the reader");
    real_shift -= YEAR + 5 * MINUTE;
    expect(!left(reader, "short"), "the clock revived a key for the reader");
    store = place_again(&place, 0);
    expect(!left(reader, "short"), "a writer revived a key for the reader");
    expect(left(store, "k") == 55, "the writer finds another life");
    end();
}

/* As a copy of the file in use is: no better than a power cut. */
static void torn(int64_t away)
{
    struct place copy;
    uint8_t *bytes;
    size_t size;
    int fd;

    place_new(&copy, BACKING_FILE);
    bytes = raw_read(place.name, &size);
    closed();
    fd = open(copy.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd))
        die("%s: %s", copy.name, strerror(errno));
    free(bytes);
    splinter_store_unlink(place.name, place.flags);
    place = copy;
    if (away)
        boots(away);
    else
        real_shift += YEAR;
}

static void over_a_power_cut(void)
{
    begin();
    must(set("k", HOUR, 0), "set");
    must(set("short", 20 * MINUTE, 0), "set");
    real_shift += YEAR;
    must(splinter_store_sync(store), "sync");
    torn(0); /* within the boot */
    opened();
    lives("k", 60);
    must(splinter_store_sync(store), "sync");
    torn(20 * MINUTE);
    opened();
    lives("k", 40);
    lives("short", 0);
    real_shift -= YEAR;
    must(splinter_store_sync(store), "sync");
    torn(1);
    opened();
    lives("k", 40);
    lives("short", 0);
    end();
}

int main(void)
{
    support_start();
    for (backing = 0; backing < BACKINGS; backing++) {
        context = "a clock that is set ahead ends nothing";
        ahead();
        context = "a clock that is set ahead and back revives nothing";
        there_and_back();
        context = "a clock that is set back first";
        back_first();
        context = "wait_any is told that a life has ended";
        ends_are_told();
        context = "a copy has the ends of life of the store";
        snapshots();
        if (backing == BACKING_MEMFD)
            continue;
        context = "a clock that is set while the store is closed";
        while_closed();
        if (backing != BACKING_FILE)
            continue;
        context = "a boot takes as long as the clock says";
        over_a_boot();
        context = "who may only read is the first after a boot";
        reader_first();
        context = "a copy in use, and a power cut";
        over_a_power_cut();
    }
    return tap_end();
}
