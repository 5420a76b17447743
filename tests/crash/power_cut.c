/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_cut.c - disks that a power cut could leave, and what is found on them
 *
 *     power_cut [--rounds N] [--seed S] [--keep DIR] [--bug none|checksum|zero-early|...]
 *
 * Two writers set, unset and sync a store in a file until they are killed.  fdatasync() and msync()
 * are this program's own: they copy the file, or the part, into an image, which is then what the
 * disk has for certain.  Any page may have reached the disk at any later moment as well.  So disks
 * are composed, page by page (4096 bytes) or sector by sector (512): of the image that was on disk
 * when the last of these calls ended, of images made since, and of the file as it was in the end.
 * Each is opened in a process of its own.
 *
 * Checked on each: every key has the value of the last sync that ended, or one of a set or unset
 * that began after it; never a torn one, one of before, or none where there was one.  No key that
 * nobody set, nothing damaged, and splinter_store_check() finds nothing.  If a disk is the file as
 * the writers left it, every key has the value of the last change that returned, or of a later one.
 * Half of the rounds go on with such a disk, so that what a rebuild leaves is cut off again.
 *
 * Without --bug it speaks TAP: a number of rounds, then the seeded mistakes of the library
 * (fault.h) that are found soon, each of which it must find.  With --bug it makes its rounds with
 * that mistake, or none; a bad disk and the images that it is made of are kept in the directory of
 * --keep.  Exit status: 0; 1 if there was a bad disk, or, without --bug, a mistake that was not
 * found; 2 for misuse.  Any number of rounds:
 *
 *     make check TESTS= && tests/crash/power_cut --bug none --rounds 100000
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "support.h"
#include "tap.h"

#define KEYS 24u /* even ones are the first writer's, odd ones the second's */
#define WRITERS 2u
#define SLOTS 32u
#define MAX_VALUE 9000u
#define IMAGE_MAX (16u << 20)
#define EXTRAS 2   /* images taken in between */
#define DISKS 4    /* composed of each cut */
#define SYNC_EVERY 12u

/* What the writers say of a key; in memory that outlives them. */
struct told {
    uint32_t started, acked;           /* number of the last change that began, that returned */
    uint32_t at_sync[WRITERS];         /* `acked` when the last sync of each writer began */
    uint32_t resumed, resumed_started; /* state found when the round began */
};

struct image {
    size_t size;
    uint8_t *bytes; /* IMAGE_MAX, shared */
};

struct shared {
    struct told key[KEYS];
    uint32_t base;       /* of the two images, the one that is on disk for certain */
    uint32_t generation; /* how often that changed */
    uint32_t syncs;      /* that ended */
    /* In every other history all keys and values are small, so that sets take the fast path. */
    bool small;
    /* In two of four the store has slots for half of the keys only. */
    bool full;
    bool whole; /* the disk is as the writers left the file in memory, so nothing may be lost */
    unsigned histories;
};

static struct shared *shared;
static struct image base[2], extra[EXTRAS], final, composed;
static uint64_t seed;
static char store_name[600];
static int store_fd = -1; /* a descriptor of the store's file, in a writer */
static const char *keep_dir; /* where the images of a bad disk are kept */
static bool recording; /* this process is a writer */
static uint64_t base_seed;

static void image_new(struct image *image)
{
    image->bytes = mmap(NULL, IMAGE_MAX + sizeof(size_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (image->bytes == MAP_FAILED)
        die("mmap: %s", strerror(errno));
}

/* The length stands behind the bytes, for the processes do not share `struct image`. */
static size_t *length_of(const struct image *image)
{
    return (size_t *)(void *)(image->bytes + IMAGE_MAX);
}

static void image_take(struct image *image, int fd)
{
    struct stat st;
    size_t size;

    if (fstat(fd, &st) || st.st_size > (off_t)IMAGE_MAX)
        die("the file has become too large for this test");
    size = (size_t)st.st_size;
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, image->bytes + at, size - at, (off_t)at);

        if (n <= 0)
            die("read: %s", strerror(errno));
        at += (size_t)n;
    }
    *length_of(image) = size;
}

static void is_on_disk(int next)
{
    __atomic_store_n(&shared->base, (uint32_t)next, __ATOMIC_RELEASE);
    __atomic_fetch_add(&shared->generation, 1, __ATOMIC_ACQ_REL);
}

/* In front of the C library's.  A killed writer leaves the image before in force. */
int fdatasync(int fd)
{
    if (recording) {
        int next = !__atomic_load_n(&shared->base, __ATOMIC_ACQUIRE);

        image_take(&base[next], fd);
        is_on_disk(next);
    }
    return 0;
}

/* Where in the store's file an address is. */
static size_t offset_of(const void *address)
{
    static uintptr_t start;
    FILE *maps = start ? NULL : fopen("/proc/self/maps", "re");
    unsigned long from, to, offset;
    char line[1000];

    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 &&
            (uintptr_t)address >= from && (uintptr_t)address < to)
            start = from - offset;
    if (maps)
        fclose(maps);
    if (!start)
        die("the store is not mapped");
    return (uintptr_t)address - start;
}

/* The same for a part of the file, and its length. */
int msync(void *address, size_t bytes, int flags)
{
    (void)flags;
    if (recording) {
        int last = (int)__atomic_load_n(&shared->base, __ATOMIC_ACQUIRE), next = !last;
        size_t from = offset_of(address), old = *length_of(&base[last]);

        image_take(&base[next], store_fd);
        if (old < *length_of(&base[next])) /* what the file grew by is a hole, but for the part */
            memset(base[last].bytes + old, 0, *length_of(&base[next]) - old);
        memcpy(base[next].bytes, base[last].bytes, from);
        if (from + bytes < *length_of(&base[next]))
            memcpy(base[next].bytes + from + bytes, base[last].bytes + from + bytes,
                   *length_of(&base[next]) - from - bytes);
        is_on_disk(next);
    }
    return 0;
}

/* ---- what change n of a key does, computed anew by whoever wants to know ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9E3779B97F4A7C15) ^ b * UINT64_C(0xBF58476D1CE4E5B9) ^ base_seed;

    x ^= x >> 31;
    x *= UINT64_C(0x94D049BB133111EB);
    return (x ^ x >> 29) | 1;
}

static bool is_unset(unsigned key, uint32_t n)
{
    return n == 0 || mix(key, n) % 5 == 2;
}

static size_t make_value(unsigned key, uint32_t n, uint8_t *out)
{
    uint64_t state = mix(key, n);
    size_t size = 12 + (random_next(&state) % 4 ? random_next(&state) % 200
                                                 : random_next(&state) % (MAX_VALUE - 12));
    uint32_t head[3];

    if (shared->small)
        size = 12 + size % 52;
    head[0] = key;
    head[1] = n;
    head[2] = (uint32_t)size;
    memcpy(out, head, sizeof(head));
    for (size_t at = sizeof(head); at < size; at++)
        out[at] = (uint8_t)random_next(&state);
    return size;
}

static void key_name(unsigned key, char out[32])
{
    snprintf(out, 32, "%skey-%u", key % 3 || shared->small ? "" : "a-longer-name-of-a-", key);
}

/* ---- a writer ---- */

/* Now and then a writer loses its processor between two steps, where another one may come in. */
static uint64_t pauses;

static void pause_at(const char *step)
{
    (void)step;
    if (recording && random_next(&pauses) % 24 == 0)
        for (uint64_t end = now_ns() + random_next(&pauses) % 60000; now_ns() < end;)
            ;
}

static splinter_store *open_store(const char *name, uint32_t flags)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    splinter_store *s;
    int rc;

    o.flags = SPLINTER_FILE | flags;
    o.slots = shared->full ? KEYS / 2 : SLOTS;
    o.max_value = MAX_VALUE;
    rc = splinter_store_open(&s, name, &o);
    if (rc)
        die("open %s: %s (%s)", name, strerror(-rc), splinter_last_error());
    return s;
}

static void sync_once(splinter_store *s, unsigned writer)
{
    uint32_t acked[KEYS];

    for (unsigned k = 0; k < KEYS; k++)
        acked[k] = __atomic_load_n(&shared->key[k].acked, __ATOMIC_ACQUIRE);
    if (splinter_store_sync(s))
        die("sync failed");
    for (unsigned k = 0; k < KEYS; k++)
        __atomic_store_n(&shared->key[k].at_sync[writer], acked[k], __ATOMIC_RELEASE);
    __atomic_fetch_add(&shared->syncs, 1, __ATOMIC_RELAXED);
}

/* [C4] What belongs to this process is as good as unset after a power cut. */
static int unset_or_own(splinter_store *s, const char *name, const uint8_t *value, size_t size,
                        uint32_t n)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL};
    int rc;

    if (n & 4)
        return splinter_store_set(s, name, value, size, &o, NULL);
    rc = splinter_store_unset(s, name, 0, NULL);
    return rc == -ENOENT ? 0 : rc;
}

__attribute__((noreturn)) static void write_on(unsigned writer, uint64_t state)
{
    static uint8_t value[MAX_VALUE];
    splinter_store *s;

    recording = true;
    pauses = state | 1;
    fault_hook = pause_at;
    store_fd = open(store_name, O_RDONLY | O_CLOEXEC);
    s = open_store(store_name, 0);
    for (;;) {
        unsigned k = (unsigned)(random_next(&state) % (KEYS / WRITERS)) * WRITERS + writer;
        struct told *told = &shared->key[k];
        uint32_t n = told->started + 1;
        char name[32];
        size_t size = make_value(k, n, value);
        int rc;

        key_name(k, name);
        __atomic_store_n(&told->started, n, __ATOMIC_RELEASE);
        if (is_unset(k, n))
            rc = unset_or_own(s, name, value, size, n);
        else
            rc = splinter_store_set(s, name, value, size, NULL, NULL);
        if (rc && rc != -EAGAIN && !(shared->full && rc == -ENOSPC))
            die("change %" PRIu32 " of %s: %s", n, name, strerror(-rc));
        if (!rc)
            __atomic_store_n(&told->acked, n, __ATOMIC_RELEASE);
        if (random_next(&state) % SYNC_EVERY == 0)
            sync_once(s, writer);
    }
}

/* ---- looking at a disk ---- */

static bool may_be(const struct told *told, unsigned k, uint32_t n, bool unset)
{
    uint32_t synced = told->resumed_started;

    for (unsigned w = 0; w < WRITERS; w++)
        if (told->at_sync[w] > synced)
            synced = told->at_sync[w];
    if (shared->whole && told->acked > synced)
        synced = told->acked;
    if (!unset)
        return (n > synced && n <= told->started) ||
               n == (synced > told->resumed_started ? synced : told->resumed);
    if (is_unset(k, synced > told->resumed_started ? synced : told->resumed))
        return true;
    for (n = synced + 1; n <= told->started; n++)
        if (is_unset(k, n))
            return true;
    return false;
}

/* In a process of its own.  `found`, in shared memory, gets the state of each key. */
static int look_at(const char *name, uint32_t *found)
{
    static uint8_t value[MAX_VALUE], want[MAX_VALUE];
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    unsigned keys = 0, bad = 0;
    splinter_store *s;
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    int rc;

    o.flags = SPLINTER_FILE;
    rc = splinter_store_open(&s, name, &o);
    if (rc) {
        printf("#   does not open: %s (%s)\n", strerror(-rc), splinter_last_error());
        return 1;
    }
    for (unsigned k = 0; k < KEYS; k++) {
        char own[32];
        size_t size = 0;
        uint32_t head[3] = {0};

        key_name(k, own);
        rc = splinter_store_get(s, own, value, sizeof(value), &size, NULL);
        keys += !rc;
        if (!rc && size >= sizeof(head))
            memcpy(head, value, sizeof(head));
        found[k] = rc ? 0 : head[1];
        if (rc && rc != -ENOENT)
            printf("#   %s: %s\n", own, strerror(-rc)), bad++;
        else if (!rc && (head[0] != k || head[2] != size || is_unset(k, head[1]) ||
                         make_value(k, head[1], want) != size || memcmp(want, value, size)))
            printf("#   %s: a torn value\n", own), bad++;
        else if (!may_be(&shared->key[k], k, head[1], rc == -ENOENT))
            printf("#   %s: state %" PRIu32 " (0: not there); synced were %" PRIu32 " and %" PRIu32
                   " (before: %" PRIu32 " of %" PRIu32 "), begun %" PRIu32 "\n", own, head[1],
                   shared->key[k].at_sync[0], shared->key[k].at_sync[1], shared->key[k].resumed,
                   shared->key[k].resumed_started, shared->key[k].started), bad++;
    }
    while (splinter_store_walk(s, NULL, &cursor, key, NULL) == 1)
        keys--;
    splinter_store_stat(s, &st);
    if (keys)
        printf("#   the walk and the gets differ by %d keys\n", (int)keys), bad++;
    if (st.damaged)
        printf("#   %" PRIu32 " records count as damaged\n", st.damaged), bad++;
    if (check_store(s) != 0)
        bad++;
    splinter_store_close(s);
    return bad != 0;
}

/* ---- a round ---- */

static uint64_t disk_byte_choice(uint64_t *state, int bias)
{
    return bias < 0 ? 0 : bias > 0 ? 1 : random_next(state);
}

/* A disk: each unit from one of the images. */
static void compose(const char *name, uint64_t *state, const struct image *const *images, int count)
{
    size_t unit = random_next(state) % 2 ? 512 : 4096, sizes[2];
    const struct image *last = images[count - 1];
    uint8_t *out = composed.bytes;
    int fd, bias = (int)(random_next(state) % 8);

    sizes[0] = *length_of(images[0]); /* the length reached the disk, or it did not */
    sizes[1] = *length_of(last);
    size_t size = sizes[random_next(state) % 4 != 0];
    *length_of(&composed) = size;
    bias = bias == 0 ? -1 : bias == 1 ? 1 : 0; /* now and then all old, or all new */
    shared->whole = bias > 0 && size == sizes[1];
    for (size_t at = 0; at < size; at += unit) {
        size_t n = size - at < unit ? size - at : unit;
        const struct image *from =
            images[bias > 0 ? (uint64_t)count - 1
                            : disk_byte_choice(state, bias) % (uint64_t)count];
        size_t has = *length_of(from);

        memset(out + at, 0, n);
        if (at < has)
            memcpy(out + at, from->bytes + at, has - at < n ? has - at : n);
    }
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        die("%s: %s", name, strerror(errno));
    /* Zeroes stay holes: most of a store is. */
    for (size_t at = 0; at < size; at += 4096) {
        static const uint8_t zeroes[4096];
        size_t n = size - at < 4096 ? size - at : 4096;

        if (memcmp(out + at, zeroes, n) && pwrite(fd, out + at, n, (off_t)at) != (ssize_t)n)
            die("%s: %s", name, strerror(errno));
    }
    if (ftruncate(fd, (off_t)size))
        die("%s: %s", name, strerror(errno));
    close(fd);
}

static void new_history(void)
{
    memset(shared->key, 0, sizeof(shared->key));
    shared->small = ++shared->histories % 2;
    shared->full = shared->histories % 4 > 1;
}

/* What is on disk when the round begins is there for certain. */
static void begin_round(const char *name, const uint32_t *found)
{
    int fd;

    strcpy(store_name, name);
    for (unsigned k = 0; found && k < KEYS; k++) {
        struct told *t = &shared->key[k];

        t->resumed = found[k];
        t->resumed_started = t->acked = t->started;
        if (t->at_sync[0] > t->started || t->at_sync[1] > t->started)
            die("a sync of the future");
        t->at_sync[0] = t->at_sync[1] = 0;
    }
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", name, strerror(errno));
    image_take(&base[shared->base], fd);
    close(fd);
}

/* Writers run, and are cut off.  The images of this cut, oldest first; their number. */
static int run_writers(uint64_t *state, const struct image **images)
{
    pid_t pid[WRITERS];
    uint32_t generation[EXTRAS];
    int count = 0, fd = open(store_name, O_RDONLY | O_CLOEXEC);
    uint64_t end = now_ns() + 500000 + random_next(state) % 8000000;

    if (fd < 0)
        die("%s: %s", store_name, strerror(errno));
    for (unsigned w = 0; w < WRITERS; w++) {
        uint64_t own = random_next(state);

        pid[w] = fork_child();
        if (!pid[w])
            write_on(w, own);
    }
    for (int i = 0; i < EXTRAS; i++) {
        uint64_t at = now_ns() + random_next(state) % 3000000;

        while (now_ns() < at)
            sleep_ms(1);
        generation[i] = __atomic_load_n(&shared->generation, __ATOMIC_ACQUIRE);
        image_take(&extra[i], fd);
    }
    while (now_ns() < end)
        sleep_ms(1);
    for (unsigned w = 0; w < WRITERS; w++)
        kill(pid[w], SIGKILL);
    for (unsigned w = 0; w < WRITERS; w++)
        if (reap(pid[w]) != 1000 + SIGKILL)
            die("a writer ended by itself");
    image_take(&final, fd);
    close(fd);
    images[count++] = &base[shared->base];
    /* One that was begun before the last fdatasync() ended may be older than that. */
    for (int i = 0; i < EXTRAS; i++)
        if (generation[i] == shared->generation)
            images[count++] = &extra[i];
    images[count++] = &final;
    return count;
}

static void keep_image(const char *name, int number, const struct image *image)
{
    char path[700];
    int fd;

    snprintf(path, sizeof(path), "%s/%s%d", keep_dir, name, number);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, image->bytes, *length_of(image)) != (ssize_t)*length_of(image))
        die("%s: %s", path, strerror(errno));
    close(fd);
}

/* Returns the number of bad disks. */
static unsigned run(unsigned cuts, bool tell)
{
    uint32_t *found = shared_memory(sizeof(*found) * KEYS);
    unsigned bad = 0;
    uint64_t state = seed ^ cuts;
    bool fresh = true;
    char name[600] = "";

    for (unsigned round = 0; round < cuts && !bad; round++) {
        const struct image *images[EXTRAS + 2];
        int count;

        if (tell)
            fprintf(stderr, "\r%u of %u cuts", round, cuts);
        if (fresh) {
            snprintf(name, sizeof(name), "%s/cut-%u", support_dir(), round);
            new_history();
            splinter_store_close(open_store(name, SPLINTER_CREATE));
            begin_round(name, NULL);
        }
        count = run_writers(&state, images);
        fresh = random_next(&state) % 2;
        for (int d = 0; d < DISKS && !bad; d++) {
            char disk[600];
            pid_t pid;

            snprintf(disk, sizeof(disk), "%s/disk-%u-%d", support_dir(), round, d);
            compose(disk, &state, images, count);
            pid = fork_child();
            if (!pid)
                _exit(look_at(disk, found));
            if (reap(pid)) {
                printf("#   disk %d of cut %u, seed %" PRIu64 "\n", d, round, seed);
                bad++;
                for (int i = 0; keep_dir && i < count; i++)
                    keep_image("image", i, images[i]);
                if (keep_dir)
                    keep_image("disk", d, &composed);
            }
            if (d == DISKS - 1 && !fresh && !bad) {
                unlink(name);
                strcpy(name, disk);
                begin_round(name, found);
            } else {
                unlink(disk);
            }
        }
        if (fresh)
            unlink(name);
    }
    if (tell)
        fprintf(stderr, "\r\033[K");
    unlink(name);
    munmap(found, sizeof(*found) * KEYS);
    return bad;
}

/* ---- the mistakes that it must find ---- */

static const struct {
    const char *name;
    unsigned bug;
    bool certain; /* found within a few cuts; the others take hundreds, of the right kind */
} bugs[] = {{"none", 0, true},
            {"checksum", BUG_CHECKSUM, true},
            {"zero-early", BUG_ZERO_EARLY, true},
            {"point-first", BUG_POINT_FIRST, true},
            {"no-grace", BUG_NO_GRACE, false},
            {"keep-less", BUG_KEEP_LESS, false}};
#define BUGS (sizeof(bugs) / sizeof(*bugs))

static unsigned number(const char *text, const char *what)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (!*text || *end || n < 1 || n > 100000000) {
        fprintf(stderr, "power_cut: %s: '%s' is not allowed, 1 to 100000000 is\n", what, text);
        exit(2);
    }
    return (unsigned)n;
}

static const char *only_bug;
static unsigned rounds;

/* False: misuse, and it was said. */
static bool read_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"bug", required_argument, NULL, 'b'},
                                            {"keep", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    const char *want = getenv("SPLINTER_TEST_CUTS");
    int o;

    rounds = want ? number(want, "SPLINTER_TEST_CUTS") : 150;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (o == 'r') {
            rounds = number(optarg, "--rounds");
        } else if (o == 'k') {
            keep_dir = optarg;
        } else if (o == 's') {
            seed = strtoull(optarg, NULL, 0);
        } else if (o == 'b') {
            only_bug = optarg;
        } else {
            return false;
        }
    return true;
}

/* Rounds with one mistake, or without; the exit status. */
static int with_bug(const char *name)
{
    unsigned bad;
    size_t i;

    for (i = 0; i < BUGS && strcmp(name, bugs[i].name); i++)
        ;
    if (i == BUGS) {
        fprintf(stderr, "power_cut: --bug: '%s' is not known; none, checksum, zero-early, "
                "point-first, no-grace and keep-less are\n", name);
        return 2;
    }
    fault_bugs = bugs[i].bug;
    bad = run(rounds, isatty(STDERR_FILENO));
    printf("%u cuts, %d disks of each, %" PRIu32 " syncs: %s\n", rounds, DISKS, shared->syncs,
           bad ? "a bad disk" : "no bad disk");
    return bad ? 1 : 0;
}

static void find_bugs(void)
{
    for (size_t i = 1; i < BUGS && bugs[i].certain; i++) {
        unsigned bad = 0;

        fault_bugs = bugs[i].bug;
        /* As many as it takes, but not for ever; each time other moments. */
        for (int tries = 0; tries < 40 && !bad; tries++, seed = random_next(&seed))
            bad = run(50, false);
        report(bad, "the seeded bug %s is found", bugs[i].name);
    }
}

int main(int argc, char **argv)
{
    unsigned bad;

    support_start();
    seed = support_seed;
    if (!read_arguments(argc, argv))
        return 2;
    base_seed = seed;
    shared = shared_memory(sizeof(*shared));
    image_new(&base[0]);
    image_new(&base[1]);
    for (int i = 0; i < EXTRAS; i++)
        image_new(&extra[i]);
    image_new(&final);
    image_new(&composed);
    if (only_bug)
        return with_bug(only_bug);
    bad = run(rounds, isatty(STDERR_FILENO));
    printf("# %u cuts, %d disks of each, %" PRIu32 " syncs\n", rounds, DISKS, shared->syncs);
    report(!bad, "no disk that a power cut leaves has lost, torn or resurrected anything");
    report(shared->syncs, "the writers synced");
    find_bugs();
    return tap_end();
}
