/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - the lines that were typed, in $XDG_STATE_HOME/splinter/history */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"

#define BYTES_MAX (1024 * 1024) /* a longer file is another's, or its end counts */

const char *ctl_history_path(void)
{
    static char path[PATH_MAX];
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (state && state[0] == '/') /* the specification says to ignore any other */
        n = snprintf(path, sizeof(path), "%s/splinter/history", state);
    else if (home && home[0] == '/')
        n = snprintf(path, sizeof(path), "%s/.local/state/splinter/history", home);
    return n > 0 && n < (int)sizeof(path) ? path : NULL;
}

/* Makes the folders that lead to the file. */
static void make_folders(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *p = folder + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(folder, 0700);
        *p = '/';
    }
}

/* Opens the file and locks it.  Whoever makes it shorter puts another one in its place under this
 * lock, so it is the one that has the name. */
static int open_locked(const char *path)
{
    for (;;) {
        struct stat mine, named;
        int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0)
            return -1;
        if (!fstat(fd, &mine) && S_ISREG(mine.st_mode) && !flock(fd, LOCK_EX)) {
            if (!stat(path, &named) && named.st_dev == mine.st_dev && named.st_ino == mine.st_ino)
                return fd;
        } else {
            errno = S_ISREG(mine.st_mode) ? errno : EINVAL;
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        close(fd);
    }
}

/* The end of the file, from the beginning of a line on, with a zero.  NULL if it has none. */
static char *read_end(int fd, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) || st.st_size <= 0)
        return NULL;
    off_t from = st.st_size > BYTES_MAX ? st.st_size - BYTES_MAX : 0;
    char *text = cli_need(malloc((size_t)(st.st_size - from) + 1));
    ssize_t n = pread(fd, text, (size_t)(st.st_size - from), from);
    *len = n < 0 ? 0 : (size_t)n;
    text[*len] = '\0';
    char *newline = from ? memchr(text, '\n', *len) : NULL;
    if (newline) {
        *len -= (size_t)(newline + 1 - text);
        memmove(text, newline + 1, *len + 1);
    }
    return text;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return true;
}

/* Puts a file with the text in the place of the one that is locked. */
static void replace(const char *path, const char *text)
{
    char other[PATH_MAX + 16];
    snprintf(other, sizeof(other), "%s.XXXXXX", path);
    int fd = mkstemp(other); /* with mode 600 */
    if (fd < 0)
        return;
    bool whole = write_all(fd, text, strlen(text)) && !fsync(fd);
    close(fd);
    if (!whole || rename(other, path))
        unlink(other);
}

void ctl_history_read(void (*take)(void *arg, const char *line), void *arg)
{
    const char *path = ctl_history_path();
    size_t len, lines = 0;
    if (!path || access(path, F_OK))
        return;
    int fd = open_locked(path);
    char *text = fd < 0 ? NULL : read_end(fd, &len), *at = text;
    for (char *p = text; p && *p; p++)
        lines += *p == '\n';
    bool shorten = lines > 2 * CTL_HISTORY_MAX; /* not each time */
    for (; at && lines > CTL_HISTORY_MAX; lines--)
        at = strchr(at, '\n') + 1;
    if (shorten)
        replace(path, at);
    for (char *newline; at && (newline = strchr(at, '\n')); at = newline + 1) {
        *newline = '\0';
        take(arg, at);
    }
    free(text);
    if (fd >= 0)
        close(fd);
}

bool ctl_history_add(const char *line)
{
    const char *path = ctl_history_path();
    size_t len = strlen(line);
    if (!path)
        return true;
    make_folders(path);
    int fd = open_locked(path);
    if (fd < 0)
        return false;
    char *text = cli_need(malloc(len + 1));
    memcpy(text, line, len);
    text[len] = '\n';
    bool whole = write_all(fd, text, len + 1);
    int error = errno;
    free(text);
    close(fd);
    errno = error;
    return whole;
}
