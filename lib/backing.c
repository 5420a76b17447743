/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backing.c - where a store lives: /dev/shm, an anonymous memfd, or a file
 *
 * Invariant: a name only ever refers to a complete store.  A creator fills in a file without a name
 * (O_TMPFILE) and then links it.  If it dies before that, it leaves nothing behind; on a file
 * system without O_TMPFILE, a file with a temporary name.  If two processes create the same store
 * at the same time, link(2) lets one of them win.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backing.h"
#include "cancel.h"
#include "clock.h"
#include "descriptor.h"
#include "error.h"
#include "fault.h"
#include "filesystem.h"
#include "geometry.h"
#include "newfile.h"
#include "session.h"
#include "stranger.h"

#define SHM_DIR "/dev/shm" /* where shm_open(3) of glibc and musl keeps its objects */

bool backing_is_memory(uint32_t flags)
{
    if (!(flags & (SPLINTER_MEMORY | SPLINTER_FILE)))
        flags |= splinter__default_backing;
    return flags & SPLINTER_MEMORY;
}

/* The path of a store.  The name of a memory store follows the rules of shm_open(3). */
int backing_path(const char *name, uint32_t flags, char path[PATH_MAX])
{
    if (!name || !*name)
        return error_set(EINVAL, "a store needs a name of at least one character");
    if (!backing_is_memory(flags)) {
        if (strlen(name) >= PATH_MAX)
            return error_set(ENAMETOOLONG, "the path is %zu bytes long, the limit is %d",
                             strlen(name), PATH_MAX - 1);
        strcpy(path, name);
        return 0;
    }
    const char *bare = name + (*name == '/');
    if (!*bare || strchr(bare, '/') || !strcmp(bare, ".") || !strcmp(bare, ".."))
        return error_set(EINVAL, "'%.200s' cannot name a memory store: it may begin with a slash, "
                         "but have no other", name);
    if (strlen(bare) > NAME_MAX)
        return error_set(ENAMETOOLONG, "the name is %zu bytes long, the limit is %d", strlen(bare),
                         NAME_MAX);
    snprintf(path, PATH_MAX, "%s/%s", SHM_DIR, bare);
    return 0;
}

/* Would a file of this size be over RLIMIT_FSIZE?  To exceed it raises a signal that would end the
 * process. */
static bool over_file_limit(uint64_t bytes)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           bytes > limit.rlim_cur;
}

/* A kernel may undo all that a call has reserved when a signal interrupts it, and a timer may do
 * that each time.  So what was interrupted is done in smaller and smaller pieces. */
static int reserve_pieces(int fd, uint64_t from, uint64_t end, uint64_t page)
{
    for (uint64_t piece = end - from; from < end;) {
        uint64_t n = piece < end - from ? piece : end - from;
        if (!fallocate(fd, 0, (off_t)from, (off_t)n))
            from += n;
        else if (errno != EINTR)
            return -errno;
        else if (piece > page)
            piece = (piece / 2 + page - 1) & ~(page - 1);
    }
    return 0;
}

/* Whole pages of the kernel, which may be larger than PAGE: to write to one takes all its
 * blocks. */
int backing_reserve(int fd, uint64_t offset, uint64_t length)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t from = offset & ~(page - 1), end = (offset + length + page - 1) & ~(page - 1);
    if (over_file_limit(end) || !filesystem_has(fd, end - from))
        return -ENOSPC;
    not_cancelled();
    int result = reserve_pieces(fd, from, end, page);
    return result == -EDQUOT || result == -EFBIG ? -ENOSPC : result;
}

void backing_populate(void *from, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE /* since Linux 5.14; without it, each page costs a fault of its own */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)from + bytes) & ~(page - 1);
    if (end > begin + page)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)from;
    (void)bytes;
#endif
}

int backing_punch(int fd, uint64_t offset, uint64_t length)
{
    int how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, result;
    not_cancelled();
    do
        result = fallocate(fd, how, (off_t)offset, (off_t)length) ? -errno : 0;
    while (result == -EINTR);
    return result;
}

int backing_clear(int fd, uint64_t offset, uint64_t length)
{
    static const uint8_t zeroes[65536];
    not_cancelled();
    int result = backing_punch(fd, offset, length);
    for (uint64_t at = 0; result && at < length;) {
        size_t n = length - at < sizeof zeroes ? (size_t)(length - at) : sizeof zeroes;
        ssize_t w = pwrite(fd, zeroes, n, (off_t)(offset + at));
        if (w <= 0 && errno != EINTR)
            return w ? -errno : -ENOSPC;
        at += w > 0 ? (uint64_t)w : 0;
    }
    return 0;
}

/* fdatasync() also writes what was changed through a mapping: Linux has one page cache. */
int backing_flush(int fd)
{
    int result; /* every caller has disabled cancellation */
    do
        result = fdatasync(fd) ? -errno : 0;
    while (result == -EINTR);
    return result == -EDQUOT ? -ENOSPC : result;
}

/* Writes the dirty pages, and the metadata that is needed to find them. */
int backing_flush_range(void *from, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)from & ~(page - 1);
    bytes += (size_t)((uintptr_t)from - start);
    not_cancelled();
    int result;
    do
        result = msync((void *)start, bytes, MS_SYNC) ? -errno : 0;
    while (result == -EINTR);
    return result == -EDQUOT ? -ENOSPC : result;
}

/* Make the new name outlive a power cut.  Not every file system can sync a directory. */
static void flush_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Reserves the header, the index map and the first registry entry.  The rest of the registry, the
 * index and the arena are holes until they are used. */
int backing_fill(int fd, const struct geometry *geo, const char *name)
{
    int r = backing_reserve(fd, 0, geo->registry_off + PAGE);
    if (r)
        return error_set(-r, r == -ENOSPC ? "no room for the store '%.200s'" :
                         r == -EOPNOTSUPP ? "the file system of '%.200s' cannot reserve space "
                         "(fallocate)" : "cannot reserve space for '%.200s'", name);
    fault_point("create: reserved");
    if (over_file_limit(geo->arena_off))
        return error_set(ENOSPC, "the file size limit of the process is too low for '%.200s'",
                         name);
    if (ftruncate(fd, (off_t)geo->arena_off))
        return error_set(errno, "cannot set the size of '%.200s'", name);
    fault_point("create: sized");
    struct header header = {.geometry = *geo};
    if (geo->flags & GEOMETRY_DURABLE) {
        session_note(fd, &header);
        header.clock_offset = now_realtime() - now_boot();
        header.clock_boot = session_boot();
    }
    ssize_t n = pwrite(fd, &header, sizeof header, 0);
    if (n != (ssize_t)sizeof header)
        return error_set(n < 0 ? errno : ENOSPC, "cannot write the header of '%.200s'", name);
    return 0;
}

static int create_path(const char *path, const char *name, uint32_t mode,
                       const struct geometry *geo, uint32_t flags, backing_filler *filler,
                       void *arg, int *out_fd)
{
    char dir[PATH_MAX];
    strcpy(dir, path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        strcpy(dir, ".");
    else
        slash[slash == dir] = '\0';
    struct stat st;
    if (lstat(path, &st) == 0)
        return error_set(EEXIST, "'%.200s' already exists", name);
    bool durable = geo->flags & GEOMETRY_DURABLE;
    struct new_file file;
    int r = newfile_open(&file, dir, path, mode);
    if (r)
        return error_set(-r, "cannot create '%.200s': %s", name, strerror(-r));
    fault_point("create: file made");
    if (durable) {
        filesystem_overwrite(file.fd);
        r = filesystem_fit(file.fd, name, flags);
    }
    if (!r)
        r = backing_fill(file.fd, geo, name);
    if (!r && filler)
        r = filler(file.fd, file.temp, geo, arg);
    fault_point("create: filled");
    if (!r && durable && (r = backing_flush(file.fd)))
        error_set(-r, "cannot write '%.200s' to disk: %s", name, strerror(-r));
    if (!r && (r = newfile_restrict(&file, mode)))
        error_set(-r, "cannot set the mode of '%.200s': %s", name, strerror(-r));
    if (!r && (r = newfile_link(&file, path)))
        error_set(-r, "cannot create '%.200s': %s", name, strerror(-r));
    fault_point("create: linked");
    if (*file.temp)
        unlink(file.temp);
    fault_point("create: complete");
    if (!r && durable)
        flush_dir(dir);
    if (r)
        close(file.fd);
    else
        *out_fd = file.fd;
    return r;
}

static int create_anonymous(const char *name, uint32_t mode, const struct geometry *geo,
                            backing_filler *filler, void *arg, int *out_fd)
{
    struct new_file file;
    int r = newfile_anonymous(&file, name && *name ? name : "splinter");
    if (r)
        return error_set(-r, "cannot create an anonymous store: %s", strerror(-r));
    r = backing_fill(file.fd, geo, name ? name : "(anonymous)");
    if (!r && filler)
        r = filler(file.fd, file.temp, geo, arg);
    if (!r && (r = newfile_restrict(&file, mode)))
        error_set(-r, "cannot set the mode of the anonymous store: %s", strerror(-r));
    if (!r && fcntl(file.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL))
        r = error_set(errno, "cannot seal the anonymous store: %s", strerror(errno));
    if (r)
        close(file.fd);
    else
        *out_fd = file.fd;
    return r;
}

int backing_create(const char *name, uint32_t flags, uint32_t mode, const struct geometry *geo,
                   backing_filler *filler, void *arg, int *out_fd)
{
    if (flags & SPLINTER_ANONYMOUS)
        return create_anonymous(name, mode, geo, filler, arg, out_fd);
    char path[PATH_MAX];
    int r = backing_path(name, flags, path);
    return r ? r : create_path(path, name, mode, geo, flags, filler, arg, out_fd);
}

int backing_open(const char *name, uint32_t flags, bool *read_only, int *out_fd)
{
    char path[PATH_MAX];
    int r = backing_path(name, flags, path);
    if (r)
        return r;
    int how = flags & SPLINTER_RDONLY ? O_RDONLY : O_RDWR;
    /* O_NONBLOCK: a FIFO must be refused, not waited for. */
    int fd = descriptor_up(open(path, how | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                  (backing_is_memory(flags) ? O_NOFOLLOW : 0)));
    if (fd < 0 && (errno == EISDIR || errno == ENXIO || errno == ENODEV))
        return error_set(EBADMSG, "'%.200s' is not a store: it is not a regular file", name);
    /* Open a file that may only be read for reading; a set will fail with EROFS. */
    if (fd < 0 && (errno == EACCES || errno == EROFS) && how == O_RDWR &&
        !backing_is_memory(flags)) {
        int why = errno;
        fd = descriptor_up(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        errno = why;
        *read_only = fd >= 0;
    }
    if (fd < 0)
        return error_set(errno, "cannot open '%.200s': %s", name, strerror(errno));
    if (*read_only)
        flags |= SPLINTER_RDONLY;
    r = backing_is_memory(flags) ? 0 : filesystem_fit(fd, name, flags);
    if (r)
        close(fd);
    else
        *out_fd = fd;
    return r;
}

int backing_open_fd(int fd, uint32_t flags, bool *read_only, const char *name, int *out_fd)
{
    struct stat st;
    int how = fcntl(fd, F_GETFL);
    if (how < 0)
        return error_set(errno, "%s is not open", name);
    if (how & O_PATH)
        return error_set(EBADF, "%s names a file, but was not opened to read it (O_PATH)", name);
    if ((how & O_ACCMODE) != O_RDONLY && (how & O_ACCMODE) != O_RDWR)
        return error_set(EACCES, "%s may only be written to; a store has to be read", name);
    if (fstat(fd, &st))
        return error_set(errno, "cannot stat %s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(EBADMSG, "%s is not a store: it is not a regular file", name);
    *read_only = flags & SPLINTER_RDONLY || (how & O_ACCMODE) == O_RDONLY;
    int r = filesystem_fit(fd, name, flags | (*read_only ? SPLINTER_RDONLY : 0));
    if (r)
        return r;
    int own = descriptor_again(fd, "", *read_only);
    /* A reader needs no file description of its own.  So the mode of the file does not matter to a
     * process that was given a descriptor to read with. */
    if (own < 0 && *read_only && (own = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
        own = -errno;
    if (own == -EACCES)
        return error_set(EACCES, "%s may be written to, but the mode 0%o of its file does not let "
                         "this user open it again to write, as a writer has to: create the store "
                         "with a wider mode, or open it with SPLINTER_RDONLY", name,
                         (unsigned)st.st_mode & 0777);
    if (own == -ENOLCK)
        return error_set(ENOLCK, "cannot open the file of %s a second time: there is no /proc",
                         name);
    if (own < 0)
        return error_set(-own, "cannot open the file of %s: %s", name, strerror(-own));
    *out_fd = own;
    return 0;
}

int backing_read_geometry(int fd, const char *name, struct geometry *geo)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_set(errno, "cannot stat '%.200s': %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(EBADMSG, "'%.200s' is not a store: it is not a regular file", name);
    ssize_t n = pread(fd, geo, sizeof *geo, 0);
    if (n < 0)
        return error_set(errno, "cannot read '%.200s': %s", name, strerror(errno));
    if ((size_t)n < sizeof *geo || memcmp(geo->magic, STORE_MAGIC, sizeof geo->magic))
        return stranger_say(fd, name);
    int r = geometry_check(geo, name);
    if (r)
        return r;
    if ((uint64_t)st.st_size < geo->arena_off)
        return error_set(EBADMSG, "'%.200s' is truncated: it has %lld bytes, but needs at least "
                         "%llu", name, (long long)st.st_size, (unsigned long long)geo->arena_off);
    return 0;
}

int backing_unlink(const char *name, uint32_t flags)
{
    char path[PATH_MAX];
    struct geometry geo;
    bool read_only = false;
    int fd, r = backing_path(name, flags, path);
    if (!r)
        r = backing_open(name, flags | SPLINTER_RDONLY | SPLINTER_NETWORK, &read_only, &fd);
    if (r)
        return r;
    r = backing_read_geometry(fd, name, &geo);
    close(fd);
    if (r && r != -EPROTO) /* a store of another version may be removed */
        return r;
    if (unlink(path))
        return error_set(errno, "cannot remove '%.200s': %s", name, strerror(errno));
    return 0;
}
