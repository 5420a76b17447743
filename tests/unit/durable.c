/* SPDX-License-Identifier: Apache-2.0 */
/* durable.c - what the groups of test_durable share; see durable.h */
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct place place;
splinter_store *store;

/* ---- in front of the C library ---- */

int syncs, sync_errno;
long fs_type;

int fdatasync(int fd)
{
    syncs++;
    if (sync_errno) {
        errno = sync_errno;
        return -1;
    }
    return fsync(fd);
}

int msync(void *from, size_t bytes, int flags)
{
    syncs++;
    if (sync_errno) {
        errno = sync_errno;
        return -1;
    }
    return (int)syscall(SYS_msync, from, bytes, flags);
}

int fstatfs(int fd, struct statfs *st)
{
    char proc[64];
    int rc;

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    rc = statfs(proc, st);
    if (!rc && fs_type)
        st->f_type = (__typeof__(st->f_type))fs_type;
    return rc;
}

/* ---- pieces ---- */

void set(splinter_store *s, const char *key, const char *val)
{
    int rc = splinter_store_set(s, key, val, strlen(val), NULL, NULL);

    ck_assert_msg(!rc, "set %s: %s", key, strerror(-rc));
}

bool has(splinter_store *s, const char *key, const char *val)
{
    char buf[MAX_VALUE];
    size_t n;

    return !splinter_store_get(s, key, buf, sizeof(buf), &n, NULL) && n == strlen(val) &&
           !memcmp(buf, val, n);
}

void make_store(void)
{
    store = place_make(&place, BACKING_FILE, SLOTS, MAX_VALUE);
}

void end_store(void)
{
    splinter_store_close(store);
    unlink(place.name);
}

void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);

        ck_assert_int_gt((int)n, 0);
        at += (size_t)n;
    }
    close(fd);
}

void copy_to(const char *from, struct place *to)
{
    size_t size;
    uint8_t *bytes = raw_read(from, &size);

    place_new(to, BACKING_FILE);
    write_file(to->name, bytes, size);
    free(bytes);
}

void fill(splinter_store *s, int n, const char *tag)
{
    char key[32], val[64];

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key%05d", i);
        snprintf(val, sizeof(val), "%s of %05d", tag, i);
        set(s, key, val);
    }
}

int count_of(splinter_store *s, int n, const char *tag)
{
    char key[32], val[64];
    int found = 0;

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key%05d", i);
        snprintf(val, sizeof(val), "%s of %05d", tag, i);
        found += has(s, key, val);
    }
    return found;
}

uint64_t offset_in(const char *path, const char *marker)
{
    size_t size;
    uint8_t *bytes = raw_read(path, &size), *at = memmem(bytes, size, marker, strlen(marker));
    uint64_t offset = at ? (uint64_t)(at - bytes) : 0;

    free(bytes);
    ck_assert_msg(offset, "'%s' is not in the file", marker);
    return offset;
}

int progress_calls;
uint64_t progress_done, progress_total;

static void progress(void *arg, uint64_t done, uint64_t total)
{
    ck_assert_ptr_eq(arg, &progress_calls);
    ck_assert_uint_ge(done, progress_done);
    ck_assert_uint_le(done, total);
    progress_calls++;
    progress_done = done;
    progress_total = total;
}

int open_with_progress(const struct place *p, uint32_t flags, splinter_store **out)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};

    progress_calls = 0;
    progress_done = progress_total = 0;
    o.flags = p->flags | flags;
    o.progress = progress;
    o.progress_arg = &progress_calls;
    return splinter_store_open(out, p->name, &o);
}
