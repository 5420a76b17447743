/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newfile.c - a new file for a store, before it has its name
 *
 * Invariant: nobody but the owner can open the file before it has the mode that was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "newfile.h"

/* The umask.  The only call that returns it also sets it, for all threads; so it is read from
 * /proc, and without that it is assumed to leave the owner alone. */
static uint32_t umask_now(void)
{
    static const char name[] = "\nUmask:";
    char text[1024] = "";
    int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, name);
    return line ? (uint32_t)strtoul(line + sizeof name - 1, NULL, 8) & 0777 : 077;
}

/* On a file system without O_TMPFILE: make a file with a temporary name, which the caller links and
 * removes. */
static int create_named_temporary(const char *path, uint32_t mode, char temp[PATH_MAX])
{
    for (int i = 0; i < 100; i++) {
        if (snprintf(temp, PATH_MAX, "%.*s.%ld-%d", PATH_MAX - 40, path, (long)getpid(), i) >=
            PATH_MAX)
            return -ENAMETOOLONG;
        int how = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
        int fd = descriptor_up(open(temp, how, mode));
        if (fd >= 0 || errno != EEXIST)
            return fd < 0 ? -errno : fd;
    }
    return -EEXIST;
}

int newfile_open(struct new_file *file, const char *dir, const char *path, uint32_t mode)
{
    mode |= 0600;
    file->temp[0] = '\0';
    file->fd = descriptor_up(open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
    snprintf(file->proc, sizeof file->proc, "/proc/self/fd/%d", file->fd);
    if (file->fd >= 0 && access(file->proc, F_OK)) { /* no /proc to link from */
        close(file->fd);
        file->fd = -1;
        errno = EOPNOTSUPP;
    }
    if (file->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        file->fd = create_named_temporary(path, mode, file->temp);
    else if (file->fd < 0)
        file->fd = -errno;
    return file->fd < 0 ? file->fd : 0;
}

int newfile_anonymous(struct new_file *file, const char *label)
{
    file->proc[0] = file->temp[0] = '\0';
    file->fd = descriptor_up(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file->fd < 0)
        return -errno;
    if (fchmod(file->fd, 0600)) { /* the kernel makes it 0777 */
        int r = -errno;
        close(file->fd);
        return r;
    }
    return 0;
}

int newfile_restrict(const struct new_file *file, uint32_t mode)
{
    struct stat st;
    if (!*file->proc && !*file->temp) /* in memory: the kernel has not applied the umask */
        return mode == 0600 || !fchmod(file->fd, mode & ~umask_now()) ? 0 : -errno;
    if ((mode & 0600) == 0600)
        return 0;
    if (fstat(file->fd, &st) || fchmod(file->fd, st.st_mode & mode))
        return -errno;
    return 0;
}

int newfile_link(const struct new_file *file, const char *path)
{
    int r = *file->temp ? link(file->temp, path)
                        : linkat(AT_FDCWD, file->proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
    return r ? -errno : 0;
}
