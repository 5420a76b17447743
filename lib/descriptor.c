/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor.c - the descriptors of a handle, which the application may close or replace
 *
 * A program that becomes a daemon closes every descriptor, and the next file that it opens gets the
 * number of one of ours.  So nothing is done with a number before it is known to stand for what it
 * did.  `fd` stands for a file: device and inode tell, and no later handle was given its number
 * (fork.c).  `lock_fd` stands for an open file description, since that is what the kernel's locks
 * belong to.  Another one of the same file would release, or seem to have, the locks of another
 * handle.  So it has a mark that a description has, and its duplicates and children share: a
 * position in the file, drawn at random.  Nobody reads or writes through it.
 *
 * Invariants
 *  - While the handle is attached, its locks are held, whatever the application closes: a page that
 *    is mapped through lock_fd keeps its description.  A child does not inherit that page
 *    (MADV_DONTFORK), so that the locks go when the parent dies.
 *  - No descriptor of a store is 0, 1 or 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic.h"
#include "clock.h"
#include "descriptor.h"
#include "handle.h"

#define MARK_BITS 40 /* every file system of a store allows a file to be that long */

int descriptor_up(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int up = fcntl(fd, F_DUPFD_CLOEXEC, 3), before = errno;
    close(fd);
    errno = before;
    return up;
}

int descriptor_note(struct splinter_store *s)
{
    struct stat st;
    if (fstat(s->fd, &st))
        return -errno;
    s->device = (uint64_t)st.st_dev;
    s->inode = (uint64_t)st.st_ino;
    return 0;
}

int descriptor_file(const struct splinter_store *s)
{
    struct stat st;
    int fd = load_relaxed(&s->fd);
    if (fstat(fd, &st))
        return errno == EBADF ? -1 : fd;
    bool ours = (uint64_t)st.st_dev == s->device && (uint64_t)st.st_ino == s->inode;
    return ours ? fd : -1;
}

int descriptor_locks(const struct splinter_store *s)
{
    int fd = load_relaxed(&s->lock_fd);
    if (fd < 0)
        return -1;
    off_t mark = lseek(fd, 0, SEEK_CUR);
    if (mark < 0)
        return errno == EBADF || errno == ESPIPE ? -1 : fd;
    return mark == (off_t)s->lock_mark ? fd : -1;
}

bool descriptor_locks_own(const struct splinter_store *s)
{
    return s->lock_process == (uint32_t)getpid() && descriptor_locks(s) >= 0;
}

/* No snprintf(): this runs in a child, right after fork. */
static void proc_name(char *to, int fd)
{
    static const char begin[] = "/proc/self/fd/";
    char digits[12];
    int n = 0;
    for (const char *c = begin; *c; c++)
        *to++ = *c;
    do
        digits[n++] = (char)('0' + fd % 10);
    while (fd /= 10);
    while (n)
        *to++ = digits[--n];
    *to = '\0';
}

/* Opens the file that has this path now.  -ENOLCK: that is not the file behind fd. */
static int open_path(const char *path, int how, int fd)
{
    struct stat is, should;
    int again = *path ? descriptor_up(open(path, how)) : -1;
    if (again < 0)
        return *path && errno != ENOENT && errno != ENOTDIR ? -errno : -ENOLCK;
    if (!fstat(again, &is) && !fstat(fd, &should) && is.st_dev == should.st_dev &&
        is.st_ino == should.st_ino)
        return again;
    close(again);
    return -ENOLCK;
}

int descriptor_again(int fd, const char *path, bool read_only)
{
    char name[32];
    if (fd < 0)
        return -EBADF;
    proc_name(name, fd);
    int how = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int again = descriptor_up(open(name, how));
    if (again >= 0)
        return again;
    if (errno == ENOENT) /* there is no /proc, or no such descriptor */
        return fcntl(fd, F_GETFD) < 0 ? -EBADF : open_path(path, how, fd);
    return -errno;
}

/* From now on the locks stay until descriptor_locks_close(), or until the process ends. */
static int keep(struct splinter_store *s)
{
    uint64_t mark;
    if (getrandom(&mark, sizeof mark, GRND_NONBLOCK) != (ssize_t)sizeof mark)
        mark = now_monotonic() ^ (uintptr_t)s;
    mark = mark % (UINT64_C(1) << (sizeof(off_t) == 8 ? MARK_BITS : 30)) | 1;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (lseek(s->lock_fd, (off_t)mark, SEEK_SET) < 0)
        return -errno;
    s->lock_mark = mark;
    void *pin = mmap(NULL, page, PROT_NONE, MAP_SHARED, s->lock_fd, 0);
    if (pin == MAP_FAILED)
        return -errno;
    if (madvise(pin, page, MADV_DONTFORK)) {
        int r = -errno;
        munmap(pin, page);
        return r;
    }
    s->lock_pin = pin;
    s->lock_process = (uint32_t)getpid();
    return 0;
}

int descriptor_locks_open(struct splinter_store *s)
{
    int fd = descriptor_again(descriptor_file(s), s->path, s->read_only);
    if (fd < 0)
        return fd;
    s->lock_fd = fd;
    int r = keep(s);
    if (r) {
        close(fd);
        s->lock_fd = -1;
    }
    return r;
}

void descriptor_locks_close(struct splinter_store *s)
{
    int fd = descriptor_locks(s);
    if (fd >= 0)
        close(fd);
    s->lock_fd = -1;
    if (s->lock_pin && s->lock_process == (uint32_t)getpid()) /* a child has not inherited it */
        munmap(s->lock_pin, (size_t)sysconf(_SC_PAGESIZE));
    s->lock_pin = NULL;
}

void descriptor_forked(struct splinter_store *s)
{
    bool had = descriptor_locks(s) >= 0;
    descriptor_locks_close(s);
    /* The child may be about to give up its rights, or /proc. */
    if (had && !s->read_only)
        descriptor_locks_open(s);
}
