/* SPDX-License-Identifier: Apache-2.0 */
/* listed.c - what the files of test_listed share; see listed.h */
#include "listed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int faults;
char name[512], path[600];
char value[MAX_VALUE + 1];

/* ---- what a call returned ---- */

#define ERRORS(X) \
    X(E2BIG) X(EACCES) X(EAGAIN) X(EBADF) X(EBADMSG) X(ECANCELED) X(EEXIST) X(EIDRM) \
    X(EINPROGRESS) X(EINTR) X(EINVAL) X(EIO) X(ELOOP) X(EMFILE) X(EMSGSIZE) X(ENAMETOOLONG) \
    X(ENFILE) X(ENOENT) X(ENOLCK) X(ENOMEM) X(ENOSPC) X(EOPNOTSUPP) X(EOVERFLOW) X(EPERM) \
    X(EPROTO) X(ERANGE) X(EROFS) X(ESTALE) X(ETIMEDOUT) X(EUSERS)

/* In the place of all errors that the kernel may give and that no list has. */
static bool stands_for_others(int error)
{
    return error == ENFILE || error == ELOOP;
}

static const char *error_name(int error)
{
    static char number[16];

#define NAME_OF(e) \
    if (error == e) \
        return #e;
    ERRORS(NAME_OF)
    snprintf(number, sizeof(number), "%d", error);
    return number;
}

void returned(int line, const char *call, int rc, int want)
{
    int length = (int)strcspn(call, "( ");

    fail_reset();
    fail_magic = 0;
    if (rc < 0)
        printf("# error %.*s %s\n", length, call,
               stands_for_others(-rc) ? "other" : error_name(-rc));
    if (rc == want)
        return;
    printf("# line %d: %.*s: %s instead of %s (%s)\n", line, length, call,
           rc < 0 ? error_name(-rc) : "success", want < 0 ? error_name(-want) : "success",
           splinter_last_error());
    faults++;
}

void done(const char *what)
{
    report(!faults, "%s: %s", FILES ? "files" : "memory", what);
    faults = 0;
}

void fails(enum fail_kind kind, unsigned n, int error)
{
    fail_reset();
    fail_at[kind] = n;
    fail_for_good = 1;
    fail_errno = error;
}

void as_nobody(void (*body)(void))
{
    pid_t pid = fork_child();

    if (!pid) {
        faults = 0;
        if (!geteuid() && (setgid(65534) || setuid(65534)))
            die("setuid: %s", strerror(errno));
        body();
        fflush(stdout);
        _exit(faults != 0);
    }
    faults += reap(pid) != 0;
}
splinter_store *make(size_t slots, size_t max_value)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_CREATE};
    splinter_store *s = NULL;

    bus_name(name, sizeof(name));
    bus_path(path, sizeof(path), name);
    o.slots = slots;
    o.max_value = max_value;
    o.feed = place_feed;
    must(splinter_store_open(&s, name, &o), "create");
    return s;
}

splinter_store *again(uint32_t flags)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = flags};
    splinter_store *s = NULL;

    must(splinter_store_open(&s, name, &o), "open");
    return s;
}

void set(splinter_store *s, const char *key, size_t len)
{
    must(splinter_store_set(s, key, value, len, NULL, NULL), "set");
}

void write_file(const void *bytes, size_t len)
{
    int fd;

    bus_name(name, sizeof(name));
    bus_path(path, sizeof(path), name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        die("%s: %s", path, strerror(errno));
    close(fd);
}

int lock(off_t from, off_t count, short type)
{
    struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = count};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &f))
        die("lock %s: %s", path, strerror(errno));
    return fd;
}

int lock_places(void)
{
    return lock(LOCK_BASE, PLACES, F_RDLCK);
}
