/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rebuild.c - what is made of a file that was damaged, cut off, or written by hand
 *
 * A copy of a store in use is what a power cut could leave.  Each case damages one, and says which
 * keys are there afterwards, with which values, and how many records count as damaged.  The same
 * copy is then opened three times over: to write; to read; and to read, by a process that may not
 * write the file.  Who reads leaves it as it was.  Another test lets the nth system call or
 * allocation of such an open fail, for every n.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAIL_INSIDE
#include "fail.h"
#include "fault.h"
#include "format.h"
#include "support.h"
#include "tap.h"

#define SLOTS 64
#define MAX_VALUE 4096
#define SMALL 40 /* keys with a short value, */
#define LATER 10 /* of which the last ones were set again after the sync, */
#define BIG 10   /* keys with a long one, */
#define KEYS (SMALL + BIG + 2)
#define UNSET (KEYS - 2)   /* a key that was unset after the sync, */
#define REMOVED (KEYS - 1) /* and one that was set again and then unset */
#define FREED 4 /* keys that were unset before the sync: their blocks are free */

static int faults;
static char context[200];

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list args;

    if (++faults > 20)
        return;
    printf("# %s: ", context);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- the store, and what is expected of it ---- */

static struct want {
    char key[16];
    char value[2100];
    bool there;
} wants[KEYS];
static uint32_t damaged; /* records that count as such */
static unsigned extra;   /* keys that are there, and not in wants; */
static unsigned expired; /* and those that are counted until somebody meets them */
static uint64_t synced;  /* epoch of the last sync */
static struct image whole, torn; /* the copy; and the one to damage */
static char path[600];

static void set(splinter_store *s, const char *key, const char *value)
{
    int rc = splinter_store_set(s, key, value, strlen(value), NULL, NULL);

    if (rc)
        die("%s: set %s: %s", context, key, strerror(-rc));
}

static void begin(void)
{
    struct place place;
    splinter_store *s = place_make(&place, BACKING_FILE, SLOTS, MAX_VALUE);
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[16];

    for (int i = 0; i < KEYS; i++) {
        struct want *w = &wants[i];

        snprintf(w->key, sizeof(w->key), "key%02d", i);
        snprintf(w->value, sizeof(w->value), "value of key%02d", i);
        if (i >= SMALL && i < UNSET)
            memset(w->value + strlen(w->value), 'b', 2000);
        w->there = true;
        set(s, w->key, w->value);
    }
    for (int i = 0; i < FREED; i++) {
        snprintf(key, sizeof(key), "freed%d", i);
        set(s, key, "the value of a key that goes");
    }
    for (int i = 0; i < FREED; i++) {
        snprintf(key, sizeof(key), "freed%d", i);
        if (splinter_store_unset(s, key, 0, NULL))
            die("unset");
    }
    if (splinter_store_sync(s) || splinter_store_stat(s, &st))
        die("sync");
    synced = st.synced;
    for (int i = SMALL - LATER; i < SMALL; i++) {
        snprintf(wants[i].value, sizeof(wants[i].value), "a later value of key%02d", i);
        set(s, wants[i].key, wants[i].value);
    }
    set(s, wants[REMOVED].key, "a later value of the key that goes");
    for (int i = UNSET; i <= REMOVED; i++)
        if (splinter_store_unset(s, wants[i].key, 0, NULL))
            die("unset");
    image_load(&whole, place.name);
    splinter_store_close(s);
    unlink(place.name);
    snprintf(path, sizeof(path), "%s/torn", support_dir());
}

/* Everything is there again, and the copy undamaged. */
static void begin_case(void)
{
    image_free(&torn);
    torn = whole;
    torn.bytes = malloc(whole.size);
    if (!torn.bytes)
        die("no memory");
    memcpy(torn.bytes, whole.bytes, whole.size);
    for (int i = 0; i < KEYS; i++)
        wants[i].there = i < UNSET;
    damaged = 0;
    extra = expired = 0;
}

static struct raw_record *record(int i)
{
    struct raw_record *r = image_record(&torn, wants[i].key, 0);

    if (!r)
        die("there is no record of %s", wants[i].key);
    return r;
}

static void gone(int i, bool counts)
{
    wants[i].there = false;
    damaged += counts;
}

static bool acknowledged(const struct raw_record *r)
{
    return r->epoch <= synced && !(r->superseded && r->superseded <= synced) && !(r->marks & 2);
}

/* A second record, in a free block beside the first. */
static struct raw_record *double_of(struct raw_record *r)
{
    const struct raw_slab *slab = image_slab(&torn, image_slab_of(&torn, r));
    size_t bytes = slab->block_units * UNIT_BYTES;
    uint8_t *at = (uint8_t *)r;

    do
        at += bytes;
    while (((struct raw_record *)(void *)at)->epoch);
    if ((size_t)(at - torn.bytes) + bytes > torn.size)
        die("no free block in this slab");
    memcpy(at, r, bytes);
    return (struct raw_record *)(void *)at;
}

static void good(splinter_store *s, uint32_t says)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    unsigned keys = extra;
    char got[MAX_VALUE];
    int problems;

    for (int i = 0; i < KEYS; i++) {
        const struct want *w = &wants[i];
        size_t len = 0;
        int rc = splinter_store_get(s, w->key, got, sizeof(got), &len, NULL);

        keys += w->there;
        if (rc != (w->there ? 0 : -ENOENT))
            fault("%s: %s", w->key, strerror(-rc));
        else if (!rc && (len != strlen(w->value) || memcmp(got, w->value, len)))
            fault("%s is '%.*s'", w->key, (int)(len < 60 ? len : 60), got);
    }
    if (splinter_store_stat(s, &st) || st.keys < keys || st.keys > keys + expired ||
        st.damaged != says)
        fault("%llu keys, %u damaged; not %u and %u", (unsigned long long)st.keys, st.damaged, keys,
              says);
    problems = splinter_store_check(s, NULL, NULL);
    if (problems != (says != 0))
        fault("check: %d", problems);
}

static int open_torn(uint32_t flags, splinter_store **out)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};

    o.flags = SPLINTER_FILE | flags;
    return splinter_store_open(out, path, &o);
}

enum way { TO_WRITE, TO_READ, MAY_NOT_WRITE, WAYS };
static const char *const way_names[WAYS] = {"to write", "to read", "without permission to write"};

static int open_way(enum way way, splinter_store **out)
{
    int rc;

    fail_reset();
    if (way == MAY_NOT_WRITE) {
        fail_at[FAIL_open] = 2; /* the first one opens the file to read */
        fail_for_good = 1;
        fail_errno = EACCES;
    }
    rc = open_torn(way == TO_WRITE ? 0 : SPLINTER_RDONLY, out);
    fail_reset();
    return rc;
}

static void same_bytes(void)
{
    size_t size;
    uint8_t *now = raw_read(path, &size);

    if (size != torn.size || memcmp(now, torn.bytes, size))
        fault("the file was written");
    free(now);
}

static void opens(enum way way, const char *name)
{
    splinter_store *s = NULL;
    int rc;

    snprintf(context, sizeof(context), "%s, %s", name, way_names[way]);
    image_save(&torn, path);
    rc = open_way(way, &s);
    if (rc) {
        fault("%s (%s)", strerror(-rc), splinter_last_error());
        return;
    }
    if (!damaged != !strstr(splinter_last_error(), "damaged"))
        fault("it says '%s'", splinter_last_error());
    good(s, damaged);
    if (way != TO_WRITE) {
        same_bytes();
        if (splinter_store_set(s, "new", "v", 1, NULL, NULL) != -EROFS)
            fault("a store that may only be read was written");
        splinter_store_close(s);
        same_bytes();
        return;
    }
    splinter_store_close(s);
    /* Everything that was found is found again, and the damage is not told a second time. */
    strcat(context, ", once more");
    rc = open_torn(0, &s);
    if (rc) {
        fault("%s (%s)", strerror(-rc), splinter_last_error());
        return;
    }
    good(s, 0);
    set(s, wants[0].key, "new");
    if (splinter_store_unset(s, wants[0].key, 0, NULL))
        fault("unset");
    splinter_store_close(s);
}

/* ---- slabs whose header is wrong ---- */

/* Nothing of the slab is found; what was acknowledged is damage. */
static void slab_is_lost(unsigned number)
{
    for (int i = 0; i < KEYS; i++) {
        bool elsewhere = false;
        struct raw_record *r;

        for (unsigned n = 0; (r = image_record(&torn, wants[i].key, n)); n++) {
            bool here = image_slab_of(&torn, r) == number;

            elsewhere |= !here;
            damaged += here && acknowledged(r);
        }
        wants[i].there = elsewhere;
    }
}

static void slab_of_size(uint32_t units)
{
    unsigned number = image_slab_of(&torn, record(0));

    slab_is_lost(number);
    image_slab(&torn, number)->block_units = units;
}

static void no_size(void) { slab_of_size(0); }
static void no_class(void) { slab_of_size(9); }
static void no_class_so_large(void) { slab_of_size(96); }
static void larger_than_a_slab(void) { slab_of_size(image_u32(&torn, AT_SLAB_UNITS) - 2); }
static void enormous(void) { slab_of_size(UINT32_MAX); }

/* A size that there is, but not this slab's: records that begin where a block does are found. */
static void size_doubled(void)
{
    unsigned number = image_slab_of(&torn, record(0));

    for (int i = 0; i < KEYS; i++) {
        struct raw_record *r;
        uint64_t newest = 0;

        wants[i].there = false;
        for (unsigned n = 0; (r = image_record(&torn, wants[i].key, n)); n++)
            if ((image_slab_of(&torn, r) != number || image_block_of(&torn, r) % 2 == 0) &&
                r->epoch > newest) {
                newest = r->epoch;
                wants[i].there = !(r->marks & 2);
                snprintf(wants[i].value, sizeof(wants[i].value), "%.*s", (int)r->value_len,
                         (char *)image_value(r));
            }
    }
    image_slab(&torn, number)->block_units *= 2;
}

/* Each unit of a slab without a size looks like the beginning of a long record. */
static void nothing_but_beginnings(void)
{
    unsigned number = image_slab_of(&torn, record(SMALL));
    uint8_t *slab = (uint8_t *)image_slab(&torn, number);

    for (int i = 0; i < UNSET; i++)
        wants[i].there = image_slab_of(&torn, record(i)) != number;
    image_slab(&torn, number)->block_units = 0;
    size_t left = torn.size - (size_t)(slab - torn.bytes);

    for (size_t at = SLAB_HEAD_BYTES; at < torn.slab_bytes && at < left; at += UNIT_BYTES) {
        struct raw_record *r = (struct raw_record *)(void *)(slab + at);

        memset(r, 'x', UNIT_BYTES);
        r->epoch = 1;
        r->superseded = 0;
        r->value_len = 4000;
        r->key_len = 5;
    }
    damaged = 1; /* where patience ends */
}

static void bits_of_all_kinds(void)
{
    for (unsigned n = 0; n < torn.slabs; n++) {
        struct raw_slab *slab = image_slab(&torn, n);

        memset(slab->bits, n % 2 ? 0xff : 0, sizeof(slab->bits));
        memset(slab->limbo, 0xff, sizeof(slab->limbo));
        slab->owner = UINT64_MAX;
        slab->generation = UINT32_MAX;
        slab->reserved_units = UINT32_MAX;
    }
}

/* ---- records that are wrong ---- */

static void value_is_another(void)
{
    image_value(record(3))[2] ^= 1;
    gone(3, true);
}

static void epoch_is_another(void)
{
    record(3)->epoch--;
    gone(3, true);
}

static void key_with_a_zero(void)
{
    struct raw_record *r = record(3);

    image_key(r)[1] = 0;
    image_seal_record(&torn, r);
    gone(3, true);
}

/* What does not look like a record is none: it may be the middle of an old value. */
static void nothing_like_a_record(void)
{
    record(1)->epoch = 0;
    record(2)->key_len = 0;
    record(3)->key_len = SPLINTER_KEY_MAX;
    record(4)->value_len = 0;
    record(5)->value_len = MAX_VALUE + 1;
    record(6)->value_len = 2000;
    record(7)->flags = 1;
    record(8)->marks = 4;
    record(8)->type ^= 1;
    for (int i = 1; i < 9; i++)
        gone(i, false);
}

static void superseded_before_the_sync(void)
{
    record(3)->superseded = synced;
    gone(3, false);
}

static void superseded_after_the_sync(void)
{
    record(3)->superseded = synced + 1;
}

/* Neither page with what the unset wrote reached the disk. */
static void the_unset_is_lost(void)
{
    for (int i = UNSET; i <= REMOVED; i++) {
        struct raw_record *r = record(i);

        if (r->epoch > synced)
            r = image_record(&torn, wants[i].key, 1);
        r->superseded = r->marks = 0;
        wants[i].there = true;
    }
    memset(image_record(&torn, wants[REMOVED].key, 0)->epoch > synced
               ? image_record(&torn, wants[REMOVED].key, 0)
               : image_record(&torn, wants[REMOVED].key, 1), 0, sizeof(struct raw_record));
}

/* A writer that died has left a version from after the sync, replaced before the unset. */
static void the_version_before_the_unset_is_there(void)
{
    struct raw_record *r = record(REMOVED), *second;

    if (r->epoch <= synced)
        r = image_record(&torn, wants[REMOVED].key, 1);
    second = double_of(r);
    second->epoch = synced + 1;
    second->superseded = second->marks = 0;
    image_seal_record(&torn, second);
}

/* The newest version did not reach the disk whole: the one that the sync acknowledged counts. */
static void later_version_is_torn(void)
{
    int i = SMALL - 1;
    struct raw_record *r = record(i);

    if (r->epoch <= synced)
        r = image_record(&torn, wants[i].key, 1);
    image_value(r)[2] ^= 1;
    snprintf(wants[i].value, sizeof(wants[i].value), "value of key%02d", i);
}

static void both_versions_are_torn(void)
{
    for (unsigned n = 0; n < 2; n++)
        image_value(image_record(&torn, wants[SMALL - 1].key, n))[2] ^= 1;
    gone(SMALL - 1, true);
}

/* ---- two records of one key ---- */

static void two_of_a_key(uint64_t epoch, bool second_wins)
{
    struct raw_record *second = double_of(record(5));

    second->epoch = epoch;
    memcpy(image_value(second), "TWICE", 5);
    image_seal_record(&torn, second);
    if (second_wins)
        memcpy(wants[5].value, "TWICE", 5);
}

static void the_second_is_newer(void) { two_of_a_key(synced, true); }
static void the_second_is_much_newer(void) { two_of_a_key(synced + 100, true); }
static void the_second_is_older(void) { two_of_a_key(record(5)->epoch - 1, false); }
static void both_are_as_old(void) { two_of_a_key(record(5)->epoch, false); }

/* More keys than the store may have: of those beyond the sync some are not there. */
static void more_keys_than_slots(void)
{
    for (int i = 0; i < 30; i++) {
        struct raw_record *r = double_of(record(0));
        char key[6];

        snprintf(key, sizeof(key), "new%02d", i);
        memcpy(image_key(r), key, 5);
        r->epoch = synced + 200 + (unsigned)i;
        image_seal_record(&torn, r);
    }
    extra = SLOTS - UNSET;
}

/* ---- sync points and the header ---- */

static void point_with_a_file_length(void)
{
    struct raw_point *p = image_point(&torn);

    p->file_bytes = torn.size + (1 << 20);
    image_seal_point(&torn, p);
    damaged = 1;
}

static void no_point(void)
{
    for (unsigned n = 0; n < 2; n++)
        memset(torn.bytes + AT_POINT(n), 0, 4096);
}

static void points_of_nonsense(void)
{
    for (unsigned n = 0; n < 2; n++)
        for (unsigned i = 8; i < 4096; i++)
            torn.bytes[AT_POINT(n) + i] = (uint8_t)(i * 7);
}

/* As if the one before were the last. */
static void the_last_point_is_torn(void)
{
    image_point(&torn)->checksum ^= 1;
}

static void the_clock_was_ahead(void)
{
    uint64_t day = UINT64_C(86400000000000), end = UINT64_C(4000000000) * 1000000000;
    struct raw_record *r = record(5);
    struct raw_point *p = image_point(&torn);

    r->end_of_life = end;
    image_seal_record(&torn, r);
    r = record(6);
    r->end_of_life = end + 2 * day;
    image_seal_record(&torn, r);
    /* The boot was another one, and the clock was set back since. */
    p->clock_now = end + day;
    p->clock_real = end + 2 * day;
    image_set_u64(&torn, AT_CLOCK_BOOT, 1);
    image_seal_point(&torn, p);
    wants[5].there = false;
    expired = 1;
}

static void all_but_the_records_is_gone(void)
{
    memset(torn.bytes + 128, 0, 4096 - 128);
    memset(torn.bytes + AT_INDEX_MAP, 0, torn.arena - AT_INDEX_MAP);
}

static void all_but_the_records_is_nonsense(void)
{
    uint64_t seed = support_seed;

    for (size_t at = 256; at < torn.arena; at += 8)
        if (at < AT_POINT(0) || at >= AT_INDEX_MAP)
            image_set_u64(&torn, at, random_next(&seed));
}

static void the_header_counts_too_far(void)
{
    image_set_u64(&torn, AT_EPOCH, UINT64_C(1) << 60);
}

/* ---- files that were cut off ---- */

/* Is a block beyond the end of the file, although the header of its slab is not? */
static bool beyond(size_t ref, size_t units)
{
    size_t slab = torn.slab_bytes / UNIT_BYTES;

    return ref >= units && ref / slab * slab + SLAB_HEAD_BYTES / UNIT_BYTES <= units && ref;
}

/* The blocks that lanes keep beyond the end of the file: they are in use, and nothing tells that
 * they had no record. */
static unsigned spares_beyond(size_t units)
{
    unsigned spares = 0;

    for (unsigned e = 0; e < image_u32(&torn, AT_REGISTRY_USED); e++)
        for (unsigned l = 0; l < LANES; l++)
            for (unsigned k = 0; k < 8; k++)
                spares += beyond(image_entry(&torn, e)->lane[l].spare[k] >> 32, units);
    return spares;
}

static void cut_to(size_t size)
{
    size_t units = (size - torn.arena) / UNIT_BYTES;

    damaged = 1 + spares_beyond(units); /* 1 for the room that is missing */
    for (int i = 0; i < KEYS; i++) {
        struct raw_record *r;
        bool there = false;

        for (unsigned n = 0; (r = image_record(&torn, wants[i].key, n)); n++) {
            unsigned slab = image_slab_of(&torn, r);
            size_t block = image_slab(&torn, slab)->block_units;
            size_t at = ((size_t)((uint8_t *)r - torn.bytes) - torn.arena) / UNIT_BYTES;
            bool header = (slab * torn.slab_bytes + SLAB_HEAD_BYTES) / UNIT_BYTES <= units;

            there |= header && at + block <= units;
            /* Superseded since: it is not among those in use. */
            if (header && at + block > units)
                damaged += at < units ? acknowledged(r) : image_is_used(&torn, r) && !r->superseded;
        }
        wants[i].there = there;
    }
    torn.size = size;
}

/* Beyond it are records that came after the sync, and free blocks. */
static void cut_in_a_record(void)
{
    cut_to((size_t)((uint8_t *)record(20) - torn.bytes) + UNIT_BYTES);
}

static void cut_in_a_header(void) { cut_to(torn.arena + 16); }
static void cut_at_the_end_of_a_header(void) { cut_to(torn.arena + 100); }
static void cut_where_records_begin(void) { cut_to(torn.arena); }

/* ---- the cases ---- */

static const struct {
    const char *name;
    void (*damage)(void);
} cases[] = {
    {"a copy of a store in use", NULL},
    {"a slab without a size", no_size},
    {"a slab with a size that is no class", no_class},
    {"a slab with a size that no record has", no_class_so_large},
    {"a slab with blocks that are larger than it is", larger_than_a_slab},
    {"a slab with blocks of an enormous size", enormous},
    {"a slab with another size", size_doubled},
    {"a slab of nothing but beginnings of records", nothing_but_beginnings},
    {"maps of blocks that say anything", bits_of_all_kinds},
    {"a byte of a value", value_is_another},
    {"the epoch of a record", epoch_is_another},
    {"a key with a zero in it", key_with_a_zero},
    {"what does not look like a record", nothing_like_a_record},
    {"a record superseded before the sync", superseded_before_the_sync},
    {"a record superseded after the sync, but by nothing", superseded_after_the_sync},
    {"an unset after the sync that is lost", the_unset_is_lost},
    {"an older version than the one that was unset", the_version_before_the_unset_is_there},
    {"a version after the sync that is torn", later_version_is_torn},
    {"two versions that are torn", both_versions_are_torn},
    {"two records of a key, the second newer", the_second_is_newer},
    {"two records of a key, the second beyond the sync", the_second_is_much_newer},
    {"two records of a key, the second older", the_second_is_older},
    {"two records of a key with one epoch", both_are_as_old},
    {"more keys than slots", more_keys_than_slots},
    {"a file that is shorter than it was at the sync", point_with_a_file_length},
    {"no sync point", no_point},
    {"two sync points of nonsense", points_of_nonsense},
    {"the last sync point torn", the_last_point_is_torn},
    {"ends of life, and a clock that was ahead", the_clock_was_ahead},
    {"zeroes wherever no record is", all_but_the_records_is_gone},
    {"nonsense wherever no record is", all_but_the_records_is_nonsense},
    {"an epoch in the header that was never reached", the_header_counts_too_far},
    {"a file that ends in a record", cut_in_a_record},
    {"a file that ends in the header of a slab", cut_in_a_header},
    {"a file that ends where the header of a slab has been read", cut_at_the_end_of_a_header},
    {"a file that ends where records would begin", cut_where_records_begin},
};

static void every_case(void)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct want before[KEYS];

        memcpy(before, wants, sizeof(before));
        begin_case();
        faults = 0;
        if (cases[i].damage)
            cases[i].damage();
        for (enum way way = 0; way < WAYS; way++)
            opens(way, cases[i].name);
        report(!faults, "%s: what counts is there, however it is opened", cases[i].name);
        memcpy(wants, before, sizeof(before));
    }
}

/* ---- when a call of the system fails meanwhile ---- */

static unsigned descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static const int errnos[FAIL_COUNT] = {
    [FAIL_mmap] = ENOMEM,       [FAIL_ftruncate] = EIO,  [FAIL_fallocate] = ENOSPC,
    [FAIL_open] = EMFILE,       [FAIL_fcntl] = ENOLCK,   [FAIL_allocation] = ENOMEM,
    [FAIL_pwrite] = EIO,        [FAIL_pread] = EIO,      [FAIL_link] = EIO,
    [FAIL_fstat] = EIO,         [FAIL_memfd_create] = EMFILE, [FAIL_fdatasync] = EIO,
    [FAIL_msync] = EIO,         [FAIL_lseek] = EIO,   [FAIL_fchmod] = EPERM,
    [FAIL_fstatfs] = EIO,       [FAIL_ioctl] = ENOTTY,
};

/* False: the kind is not called so often. */
static bool fails_at(enum way way, enum fail_kind kind, unsigned n, bool for_good)
{
    unsigned before = descriptors();
    long allocated = fail_allocated;
    splinter_store *s = NULL;
    bool enough;
    int rc;

    snprintf(context, sizeof(context), "%s, %s %u fails%s", way_names[way], fail_names[kind], n,
             for_good ? " and all later ones" : "");
    image_save(&torn, path);
    fail_reset();
    fail_at[kind] = n;
    fail_for_good = for_good;
    fail_errno = way == MAY_NOT_WRITE && kind == FAIL_open ? EACCES : errnos[kind];
    if (way == MAY_NOT_WRITE && kind != FAIL_open) {
        fail_at[FAIL_open] = 2;
        fail_for_good = 1;
    }
    rc = open_torn(way == TO_WRITE ? 0 : SPLINTER_RDONLY, &s);
    enough = fail_calls[kind] >= n;
    fail_reset();
    if (rc && (s || !*splinter_last_error()))
        fault("it failed, with a handle or without a sentence");
    if (rc > 0 || (rc && rc != -errnos[kind] && rc != -EACCES && rc != -ENOMEM && rc != -EAGAIN))
        fault("%s (%d) is not to be expected", strerror(-rc), rc);
    if (!rc)
        good(s, 0);
    splinter_store_close(s);
    if (descriptors() != before || fail_allocated != allocated)
        fault("something is left of it");
    /* Whatever it came to, the next one has everything. */
    rc = open_torn(0, &s);
    if (rc)
        fault("the next one: %s", splinter_last_error());
    else
        good(s, 0);
    splinter_store_close(s);
    return enough;
}

static void every_failure(void)
{
    begin_case();
    open_patience_ns = 50000000; /* a lock that cannot be given back is waited for */
    for (enum way way = 0; way < WAYS; way++) {
        unsigned tries = 0;

        faults = 0;
        for (int kind = 0; kind < FAIL_COUNT; kind++)
            for (int for_good = 0; for_good < 2; for_good++)
                for (unsigned n = 1; fails_at(way, (enum fail_kind)kind, n, for_good); n++)
                    if (++tries > 5000)
                        die("no end of calls");
        report(!faults, "%s: a call that fails costs no record (%u cases)", way_names[way], tries);
    }
}

/* A file system that cannot make holes, or write either. */
static void without_holes(void)
{
    splinter_store *s = NULL;
    int rc;

    begin_case();
    faults = 0;
    for (unsigned n = 1; n < 12; n++)
        for (unsigned failing = 0; failing < 3; failing++) {
            snprintf(context, sizeof(context), "fallocate %u, pwrite %u", n, failing);
            image_save(&torn, path);
            fail_reset();
            fail_errno = failing == 2 ? EINTR : EOPNOTSUPP;
            fail_at[FAIL_fallocate] = n;
            fail_at[FAIL_pwrite] = failing;
            rc = open_torn(0, &s);
            fail_reset();
            if (rc && rc != -EOPNOTSUPP)
                fault("%s", strerror(-rc));
            if (!rc)
                good(s, 0);
            splinter_store_close(s);
            rc = open_torn(0, &s);
            if (rc)
                fault("the next one: %s", splinter_last_error());
            else
                good(s, 0);
            splinter_store_close(s);
        }
    report(!faults, "a file system that makes no holes will do");
}

/* ---- a store of some size ---- */

static uint64_t last_done, total;
static unsigned calls;

static void progress(void *arg, uint64_t done, uint64_t all)
{
    if (arg != &calls || done < last_done || done > all)
        fault("progress went from %llu to %llu of %llu", (unsigned long long)last_done,
              (unsigned long long)done, (unsigned long long)all);
    last_done = done;
    total = all;
    calls++;
}

/* Many slabs, and an index of many pages; of the records most are beyond the last sync. */
static void many_records(void)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    struct place place;
    splinter_store *s = place_make(&place, BACKING_FILE, 20000, 100);
    char key[32];
    struct image big;
    int there = 0, rc;

    faults = 0;
    for (int i = 0; i < 12000; i++) {
        snprintf(key, sizeof(key), "a key of a store %d", i);
        set(s, key, key);
        if (i == 100 && splinter_store_sync(s))
            die("sync");
    }
    image_load(&big, place.name);
    splinter_store_close(s);
    for (enum way way = 0; way < WAYS; way++) {
        snprintf(context, sizeof(context), "many records, %s", way_names[way]);
        image_save(&big, path);
        last_done = total = calls = 0;
        o.flags = SPLINTER_FILE | (way == TO_WRITE ? 0 : SPLINTER_RDONLY);
        o.progress = progress;
        o.progress_arg = &calls;
        fail_reset();
        fail_errno = EACCES;
        fail_for_good = 1;
        fail_at[FAIL_open] = way == MAY_NOT_WRITE ? 2 : 0;
        rc = splinter_store_open(&s, path, &o);
        fail_reset();
        if (rc) {
            fault("%s", splinter_last_error());
            continue;
        }
        if (calls < 3 || last_done != total)
            fault("%u calls of progress, the last with %llu of %llu", calls,
                  (unsigned long long)last_done, (unsigned long long)total);
        there = 0;
        for (int i = 0; i < 12000; i++) {
            snprintf(key, sizeof(key), "a key of a store %d", i);
            there += !splinter_store_get(s, key, NULL, 0, NULL, NULL);
        }
        if (there != 12000 || check_store(s))
            fault("%d keys are there", there);
        splinter_store_close(s);
    }
    image_free(&big);
    unlink(place.name);
    report(!faults, "a store of many slabs, most of it beyond the last sync, is all there");
}

int main(void)
{
    support_start_in_memory();
    begin();
    every_case();
    every_failure();
    without_holes();
    many_records();
    image_free(&torn);
    image_free(&whole);
    return tap_end();
}
