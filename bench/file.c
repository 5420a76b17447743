/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - what a store in a file costs, next to one in memory and next to LMDB
 *
 *   get, set        a store in a file to one in memory, 20,000 keys, 64-byte values, no sync
 *   1,000 sets      and one sync, to LMDB putting the same in one durable transaction; left out if
 *                   configure did not find liblmdb
 *   disk space      of 1,000 keys of 64 bytes after a million updates, to 16 MiB
 *   rebuild         of the index of a million records (100,000 with --quick), less the time that
 *                   reading the file takes, to 2 s (0.2 s)
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#ifdef HAVE_LMDB
#include <lmdb.h>
#endif
#include <splinter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define BATCH 1000u
#define ROUNDS_MAX 31

static char work[3000]; /* a directory of our own in `dir`, once it is made */
static int work_fd;

/* At the end, or by a signal: so with calls that a signal handler may make. */
static void clean_up(void)
{
    static const char *const names[] = {"store", "small", "million", "lmdb/data.mdb",
                                        "lmdb/lock.mdb"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlinkat(work_fd, names[i], 0);
    unlinkat(work_fd, "lmdb", AT_REMOVEDIR);
    rmdir(work);
}

static void interrupted(int signal_number)
{
    clean_up();
    signal(signal_number, SIG_DFL); /* not by SA_RESETHAND: a second one would end us before this */
    raise(signal_number);
}

static void begin_files(void)
{
    const struct sigaction action = {.sa_handler = interrupted};

    if (*work)
        return;
    if (snprintf(work, sizeof(work), "%s/splinter-bench-XXXXXX", dir) >= (int)sizeof(work) ||
        !mkdtemp(work))
        die("--dir: cannot make a directory in '%s': %s", dir, strerror(errno));
    work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work_fd < 0)
        die("%s: %s", work, strerror(errno));
    atexit(clean_up);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static double now(void)
{
    return (double)now_ns() / 1e9;
}

static const char *path_to(const char *name)
{
    static char path[3100];

    snprintf(path, sizeof(path), "%s/%s", work, name);
    return path;
}

static splinter_store *open_store(const char *name, uint32_t flags, size_t slots)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    splinter_store *s;
    int rc;

    o.flags = flags;
    o.slots = slots;
    o.max_value = 4096;
    rc = splinter_store_open(&s, name, &o);
    if (rc)
        die("%s: %s (%s)", name, strerror(-rc), splinter_last_error());
    return s;
}

static void put(splinter_store *s, uint32_t n, const char *value)
{
    char key[16];
    int rc;

    snprintf(key, sizeof(key), "k%08" PRIu32, n);
    rc = splinter_store_set(s, key, value, VALUE, NULL, NULL);
    if (rc)
        die("set %s: %s", key, strerror(-rc));
}

/* ---- get and set, in a file and in memory ---- */

static char keys[KEYS][16];

static double time_gets(splinter_store *s)
{
    char buf[4096];
    size_t n;
    double begin = now();

    for (uint32_t i = 0; i < KEYS; i++)
        if (splinter_store_get(s, keys[i], buf, sizeof(buf), &n, NULL))
            die("get %s failed", keys[i]);
    return (now() - begin) * 1e9 / KEYS;
}

static double time_sets(splinter_store *s)
{
    char value[VALUE];
    double begin;

    memset(value, 's', sizeof(value));
    begin = now();
    for (uint32_t i = 0; i < KEYS; i++)
        if (splinter_store_set(s, keys[i], value, sizeof(value), NULL, NULL))
            die("set %s failed", keys[i]);
    return (now() - begin) * 1e9 / KEYS;
}

void bench_file_calls(void)
{
    begin_files();
    int rounds = quick ? 9 : ROUNDS_MAX;
    double get[2][ROUNDS_MAX], set[2][ROUNDS_MAX], ratio[ROUNDS_MAX];
    splinter_store *s[2];
    char value[VALUE];

    progress("get and set");
    memset(value, 'v', sizeof(value));
    s[0] = open_store("bench", SPLINTER_ANONYMOUS, 50000);
    s[1] = open_store(path_to("store"), SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 50000);
    for (uint32_t i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof(keys[i]), "k%08" PRIu32, i);
    for (uint32_t i = KEYS; i > 1; i--) {
        char t[16];
        uint32_t j;

        j = (uint32_t)(rnd() >> 33) % i;
        memcpy(t, keys[i - 1], 16);
        memcpy(keys[i - 1], keys[j], 16);
        memcpy(keys[j], t, 16);
    }
    for (int k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < KEYS; i++)
            put(s[k], i, value);
        time_sets(s[k]);
        time_gets(s[k]);
    }
    for (int r = 0; r < rounds; r++)
        for (int k = 0; k < 2; k++) {
            get[k][r] = time_gets(s[k]);
            set[k][r] = time_sets(s[k]);
        }
    for (int r = 0; r < rounds; r++)
        ratio[r] = get[1][r] / get[0][r];
    double of_get = median(ratio, (size_t)rounds);
    for (int r = 0; r < rounds; r++)
        ratio[r] = set[1][r] / set[0][r];
    double of_set = median(ratio, (size_t)rounds);
    result("get, file to memory", of_get, 1.05, median(get[1], (size_t)rounds),
           median(get[0], (size_t)rounds), "ns", false);
    result("set present, file to memory", of_set, 1.5, median(set[1], (size_t)rounds),
           median(set[0], (size_t)rounds), "ns", false);
    splinter_store_close(s[0]);
    splinter_store_close(s[1]);
    unlink(path_to("store"));
}

/* ---- 1,000 sets and a sync, next to LMDB ---- */

#ifdef HAVE_LMDB
static void lmdb_need(int rc, const char *what)
{
    if (rc)
        die("lmdb: %s: %s", what, mdb_strerror(rc));
}

static double time_lmdb(MDB_env *env, MDB_dbi dbi, int round)
{
    char key[16], value[VALUE];
    MDB_txn *txn;
    double begin = now();

    memset(value, 'a' + round % 26, sizeof(value));
    lmdb_need(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    for (uint32_t i = 0; i < BATCH; i++) {
        MDB_val k, v = {sizeof(value), value};

        k.mv_size = (size_t)snprintf(key, sizeof(key), "k%08" PRIu32, i);
        k.mv_data = key;
        lmdb_need(mdb_put(txn, dbi, &k, &v, 0), "put");
    }
    lmdb_need(mdb_txn_commit(txn), "commit");
    return (now() - begin) * 1e3;
}

static double time_batch(splinter_store *s, int round)
{
    char value[VALUE];
    double begin = now();

    memset(value, 'a' + round % 26, sizeof(value));
    for (uint32_t i = 0; i < BATCH; i++)
        put(s, i, value);
    if (splinter_store_sync(s))
        die("sync failed");
    return (now() - begin) * 1e3;
}

void bench_file_sync(void)
{
    begin_files();
    int rounds = quick ? 9 : ROUNDS_MAX;
    double ours[ROUNDS_MAX], other[ROUNDS_MAX], ratio[ROUNDS_MAX];
    splinter_store *s;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    progress("1,000 sets and a sync");
    s = open_store(path_to("small"), SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 50000);
    if (mkdir(path_to("lmdb"), 0700))
        die("%s: %s", path_to("lmdb"), strerror(errno));
    lmdb_need(mdb_env_create(&env), "create");
    lmdb_need(mdb_env_set_mapsize(env, 64u << 20), "size");
    lmdb_need(mdb_env_open(env, path_to("lmdb"), 0, 0600), "open");
    lmdb_need(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    lmdb_need(mdb_dbi_open(txn, NULL, MDB_CREATE, &dbi), "dbi");
    lmdb_need(mdb_txn_commit(txn), "commit");
    for (int r = -1; r < rounds; r++) { /* the first is to warm up */
        double a = time_batch(s, r + 1), b = time_lmdb(env, dbi, r + 1);

        if (r < 0)
            continue;
        ours[r] = a;
        other[r] = b;
        ratio[r] = a / b;
    }
    double m = median(ratio, (size_t)rounds);
    result("1000 sets and a sync, to LMDB", m, 1.0, median(ours, (size_t)rounds),
           median(other, (size_t)rounds), "ms", false);
    mdb_env_close(env);
    splinter_store_close(s);
    unlink(path_to("small"));
}
#else
void bench_file_sync(void)
{
    left_out = "a sync is not compared with LMDB, which was not there when this was built";
}
#endif

/* ---- space ---- */

void bench_file_space(void)
{
    begin_files();
    uint32_t updates = 1000000;
    char value[VALUE];
    splinter_store *s;
    struct stat st;

    progress("a million updates");
    memset(value, 'v', sizeof(value));
    s = open_store(path_to("small"), SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 50000);
    for (uint32_t i = 0; i < updates; i++) {
        put(s, i % 1000, value);
        if (i % 100000 == 0 && splinter_store_sync(s))
            die("sync failed");
    }
    if (fstat(splinter_store_fd(s), &st))
        die("fstat: %s", strerror(errno));
    double mib = (double)st.st_blocks * 512 / (1 << 20);
    result("disk after a million updates", mib / 16, 1.0, mib, 16, "MiB", false);
    splinter_store_close(s);
    unlink(path_to("small"));
}

/* ---- rebuild ---- */

static double time_read(const char *path)
{
    static char buf[1 << 20];
    int fd = open(path, O_RDONLY);
    double begin = now();

    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    while (read(fd, buf, sizeof(buf)) > 0)
        ;
    close(fd);
    return now() - begin;
}

void bench_file_rebuild(void)
{
    begin_files();
    uint32_t records = quick ? 100000 : 1000000;
    char value[VALUE];
    splinter_store *s;
    double ours[3], reading[3];
    uint64_t found = 0;

    progress("a rebuild");
    memset(value, 'v', sizeof(value));
    s = open_store(path_to("million"), SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL,
                   records * 2);
    for (uint32_t i = 0; i < records; i++)
        put(s, i, value);
    splinter_store_close(s);
    for (int r = 0; r < 3; r++) {
        struct splinter_stat st = {.struct_size = sizeof(st)};
        double begin;

        reading[r] = time_read(path_to("million"));
        begin = now();
        s = open_store(path_to("million"), SPLINTER_FILE | SPLINTER_REBUILD, 0);
        ours[r] = now() - begin;
        if (splinter_store_stat(s, &st))
            die("stat failed");
        found = st.rebuilt;
        splinter_store_close(s);
        if (found != records)
            die("the rebuild found %" PRIu64 " of %" PRIu32 " records", found, records);
    }
    double t = median(ours, 3), read_once = median(reading, 3), limit = quick ? 0.2 : 2;
    result(quick ? "rebuild of 100000, less reading" : "rebuild of 1000000, less reading",
           (t - read_once) / limit, 1.0, t - read_once, limit, "s", false);
    unlink(path_to("million"));
}
