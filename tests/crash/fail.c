/* SPDX-License-Identifier: Apache-2.0 */
/* fail.c - calls of the library that a test lets fail; see fail.h */
#define FAIL_INSIDE
#include "fail.h"
#include "wake.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define FAIL_NAME(kind) #kind,
const char *const fail_names[FAIL_COUNT] = {FAIL_KINDS(FAIL_NAME)};
unsigned fail_calls[FAIL_COUNT];
unsigned fail_at[FAIL_COUNT];
int fail_for_good;
int fail_errno;
long fail_allocated;
const char *fail_boot_id;
int fail_tmpfile;
uint64_t fail_seed;
uint32_t fail_magic;
uint64_t fail_free_bytes;
int fail_nocow;
int fail_shared;
int fail_unshare;
int fail_waitv;
long fail_page;
off_t fail_interrupts;
unsigned fail_partly;

void fail_reset(void)
{
    memset(fail_calls, 0, sizeof(fail_calls));
    memset(fail_at, 0, sizeof(fail_at));
    fail_for_good = 0;
    fail_errno = 0;
}

static bool fails(enum fail_kind kind)
{
    unsigned call = __atomic_add_fetch(&fail_calls[kind], 1, __ATOMIC_RELAXED);

    if (!fail_at[kind] || call < fail_at[kind] || (call > fail_at[kind] && !fail_for_good))
        return false;
    errno = fail_errno;
    return true;
}

void *fail_mmap_(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    return fails(FAIL_mmap) ? MAP_FAILED : mmap(addr, len, prot, flags, fd, offset);
}

int fail_ftruncate_(int fd, off_t length)
{
    return fails(FAIL_ftruncate) ? -1 : ftruncate(fd, length);
}

int fail_fallocate_(int fd, int mode, off_t offset, off_t length)
{
    if (fail_magic && mode & FALLOC_FL_UNSHARE_RANGE) {
        errno = fail_unshare;
        fail_shared = errno != 0;
        return errno ? -1 : 0;
    }
    if (fail_page && !mode)
        fail_partly += offset % fail_page || length % fail_page;
    if (fail_interrupts && !mode && length > fail_interrupts) {
        errno = EINTR;
        return -1;
    }
    return fails(FAIL_fallocate) ? -1 : fallocate(fd, mode, offset, length);
}

int fail_open_(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
        va_list args;

        va_start(args, flags);
        mode = (mode_t)va_arg(args, int);
        va_end(args);
    }
    if (fail_boot_id && !strcmp(path, "/proc/sys/kernel/random/boot_id"))
        return open(fail_boot_id, flags);
    if (fail_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return fails(FAIL_open) ? -1 : open(path, flags, mode);
}

/* The library passes a pointer, or an int that fits into one. */
int fail_fcntl_(int fd, int cmd, ...)
{
    va_list args;
    void *arg;

    if (fails(FAIL_fcntl))
        return -1;
    if (cmd == F_GETFL)
        return fcntl(fd, cmd);
    va_start(args, cmd);
    if (cmd == F_ADD_SEALS || cmd == F_DUPFD_CLOEXEC) {
        int number = va_arg(args, int);

        va_end(args);
        return fcntl(fd, cmd, number);
    }
    arg = va_arg(args, void *);
    va_end(args);
    return fcntl(fd, cmd, arg);
}

static void *counted(void *p)
{
    if (p)
        __atomic_add_fetch(&fail_allocated, 1, __ATOMIC_RELAXED);
    return p;
}

int fail_posix_memalign_(void **out, size_t align, size_t size)
{
    int r = fails(FAIL_allocation) ? ENOMEM : posix_memalign(out, align, size);

    if (!r)
        counted(*out);
    return r;
}

void *fail_malloc_(size_t size)
{
    return fails(FAIL_allocation) ? NULL : counted(malloc(size));
}

void *fail_calloc_(size_t n, size_t size)
{
    return fails(FAIL_allocation) ? NULL : counted(calloc(n, size));
}

void *fail_realloc_(void *old, size_t size)
{
    bool fresh = !old;
    void *p = fails(FAIL_allocation) ? NULL : realloc(old, size);

    return fresh ? counted(p) : p;
}

void fail_free_(void *p)
{
    if (p)
        __atomic_sub_fetch(&fail_allocated, 1, __ATOMIC_RELAXED);
    free(p);
}

ssize_t fail_pwrite_(int fd, const void *buf, size_t n, off_t offset)
{
    return fails(FAIL_pwrite) ? -1 : pwrite(fd, buf, n, offset);
}

ssize_t fail_pread_(int fd, void *buf, size_t n, off_t offset)
{
    return fails(FAIL_pread) ? -1 : pread(fd, buf, n, offset);
}

int fail_link_(const char *from, const char *to)
{
    return fails(FAIL_link) ? -1 : link(from, to);
}

int fail_linkat_(int fd, const char *from, int to_fd, const char *to, int flags)
{
    return fails(FAIL_link) ? -1 : linkat(fd, from, to_fd, to, flags);
}

int fail_fstat_(int fd, struct stat *st)
{
    return fails(FAIL_fstat) ? -1 : fstat(fd, st);
}

int fail_memfd_create_(const char *name, unsigned flags)
{
    return fails(FAIL_memfd_create) ? -1 : memfd_create(name, flags);
}

int fail_fdatasync_(int fd)
{
    return fails(FAIL_fdatasync) ? -1 : fdatasync(fd);
}

int fail_msync_(void *addr, size_t len, int flags)
{
    if (fail_page) /* the mapping does not begin with such a page */
        return 0;
    return fails(FAIL_msync) ? -1 : msync(addr, len, flags);
}

off_t fail_lseek_(int fd, off_t offset, int whence)
{
    return fails(FAIL_lseek) ? -1 : lseek(fd, offset, whence);
}

int fail_fchmod_(int fd, mode_t mode)
{
    return fails(FAIL_fchmod) ? -1 : fchmod(fd, mode);
}

int fail_fstatfs_(int fd, struct statfs *st)
{
    int r = fails(FAIL_fstatfs) ? -1 : fstatfs(fd, st);

    if (!r && fail_magic) {
        st->f_type = (__typeof__(st->f_type))fail_magic;
        st->f_bavail = fail_free_bytes / (uint64_t)st->f_bsize;
    }
    return r;
}

long fail_sysconf_(int name)
{
    return fail_page && name == _SC_PAGESIZE ? fail_page : sysconf(name);
}

int fail_syscall_(long number, ...)
{
    if (number != WAITV_CALL || !fail_waitv)
        return 0;
    errno = fail_waitv;
    return 1;
}

int fail_eventfd_(unsigned count, int flags)
{
    return fails(FAIL_eventfd) ? -1 : eventfd(count, flags);
}

int fail_pthread_create_(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                         void *arg)
{
    return fails(FAIL_pthread_create) ? fail_errno : pthread_create(thread, attributes, run, arg);
}

int fail_ioctl_(int fd, unsigned long request, void *arg)
{
    struct fiemap *map = arg;

    if (fails(FAIL_ioctl))
        return -1;
    if (!fail_magic)
        return ioctl(fd, request, arg);
    if (request == FS_IOC_FIEMAP) {
        map->fm_mapped_extents = 1;
        map->fm_extents[0] = (struct fiemap_extent){
            .fe_length = 4096,
            .fe_flags = FIEMAP_EXTENT_LAST | (fail_shared ? FIEMAP_EXTENT_SHARED : 0)};
        return 0;
    }
    if (fail_nocow < 0) {
        errno = ENOTTY;
        return -1;
    }
    if (request == FS_IOC_SETFLAGS)
        fail_nocow = (*(int *)arg & FS_NOCOW_FL) != 0;
    else
        *(int *)arg = fail_nocow ? FS_NOCOW_FL : 0;
    return 0;
}

ssize_t fail_getrandom_(void *buf, size_t n, unsigned flags)
{
    if (fail_seed && n == sizeof(fail_seed)) {
        memcpy(buf, &fail_seed, n);
        return (ssize_t)n;
    }
    return getrandom(buf, n, flags);
}
