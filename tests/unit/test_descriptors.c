/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_descriptors.c - programs that close descriptors, replace them, fork and give up rights
 *
 * Over the public interface alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "support.h"
#include "tap.h"

static struct place place;
static splinter_store *store;
static int backing;
static char victim[600];
static char large[3000];

#define VICTIMS 40

static void begin(void)
{
    int fd;

    store = place_make(&place, backing, 1000, 100000);
    must(splinter_store_set(store, "k", "value", 5, NULL, NULL), "set");
    snprintf(victim, sizeof(victim), "%s/victim", support_dir());
    fd = open(victim, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "7 bytes", 7) != 7)
        die("%s", victim);
    close(fd);
}

static void end(void)
{
    place_end(&place, store);
}

static unsigned attached(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    must(splinter_store_stat(s, &st), "stat");
    return st.attached;
}

/* As a daemon does: close what there is, and open files of its own under these numbers. */
static void replace_descriptors(void)
{
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    for (int i = 0; i < VICTIMS; i++)
        if (open(victim, O_RDWR | O_CLOEXEC) < 0)
            die("%s", victim);
}

/* How many of these files are not as they were. */
static int victims_touched(void)
{
    struct stat st;
    char buf[8];
    int bad = 0;

    for (int fd = 3; fd < 3 + VICTIMS; fd++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        bad += fstat(fd, &st) || st.st_size != 7 || pread(fd, buf, 8, 0) != 7 ||
               memcmp(buf, "7 bytes", 7) != 0;
        bad += fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
    }
    return bad;
}

static bool done_or(int rc, int error)
{
    return !rc || rc == error;
}

/* Everything there is to call; each works, or says that the descriptors are gone.  What needs none
 * works. */
static int use_all(splinter_store *s, bool written)
{
    char buf[16], key[32];
    struct splinter_stat st = {.struct_size = sizeof(st)};
    size_t size;
    int bad = 0, rc;

    bad += splinter_store_get(s, "k", buf, sizeof(buf), &size, NULL) || size != 5;
    rc = splinter_store_set(s, "k", "other", 5, NULL, NULL);
    bad += written ? rc != 0 : !done_or(rc, -EBADF);
    for (int i = 0; i < 300 && !bad; i++) {
        snprintf(key, sizeof(key), "new-%d", i);
        rc = splinter_store_set(s, key, large, sizeof(large), NULL, NULL);
        if (!done_or(rc, -EBADF)) {
            printf("# set: %d: %s\n", rc, splinter_last_error());
            bad++;
        }
    }
    rc = splinter_store_stat(s, &st);
    bad += !done_or(rc, -EBADF);
    bad += !done_or(splinter_store_sync(s), -EBADF);
    rc = splinter_store_wait(s, "absent", 0, 1, NULL);
    bad += rc != -ETIMEDOUT;
    return bad;
}

static void descriptors_are_replaced(bool in_child, bool written)
{
    int told[2], rc, bad = 0;
    char c;
    pid_t pid;
    unsigned before;

    begin();
    before = attached(store);
    if (pipe(told))
        die("pipe");
    pid = fork_child();
    if (!pid) {
        splinter_store *s = in_child ? store : place_again(&place, 0);
        int wait = dup(told[0]);

        alarm(60);
        if (written)
            must(splinter_store_set(s, "mine", "m", 1, NULL, NULL), "set");
        dup2(wait, 300); /* out of the way */
        replace_descriptors();
        rc = use_all(s, written) + victims_touched();
        splinter_store_close(s);
        rc += victims_touched();
        _exit(rc);
    }
    rc = reap(pid);
    if (rc)
        printf("# %d things are wrong\n", rc);
    /* What another process sets later is found. */
    bad += splinter_store_set(store, "later", large, sizeof(large), NULL, NULL) != 0;
    close(told[0]);
    close(told[1]);
    bad += attached(store) != before || check_store(store);
    c = bad || rc;
    report(!c, "%s: %s %s closes all descriptors, and files of its own get their numbers",
           backing_names[backing], in_child ? "a child" : "a process",
           written ? "that has written" : "that has not written");
    end();
}

/* The handle counts as attached as long as its process lives, whatever that closes. */
static void locks_outlive_their_descriptor(void)
{
    int ready[2];
    unsigned alone, both;
    char c;
    pid_t pid;

    begin();
    alone = attached(store);
    if (pipe(ready))
        die("pipe");
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);
        uint32_t dirty = 1;
        char path[600];

        must(splinter_store_set(s, "mine", "m", 1, NULL, NULL), "set");
        place_path(&place, path, sizeof(path));
        raw_patch(path, AT_COUNTS_DIRTY, &dirty, sizeof(dirty));
        dup2(ready[1], 1);
        replace_descriptors();
        splinter_store_check(s, NULL, NULL); /* also if that tries to mend counts */
        if (write(1, "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        die("the child is gone");
    both = attached(store);
    kill(pid, SIGKILL);
    reap(pid);
    report(both == alone + 1 && attached(store) == alone && !check_store(store),
           "%s: whose descriptors were closed counts as attached until it dies",
           backing_names[backing]);
    close(ready[0]);
    end();
}

/* Another handle of the same store gets the numbers of the first one's descriptors. */
static void numbers_of_another_handle(void)
{
    pid_t pid;
    int rc;

    begin();
    pid = fork_child();
    if (!pid) {
        int keep = dup(splinter_store_fd(store)), bad = 0;
        splinter_store *one, *two;

        alarm(60);
        dup2(keep, 300);
        must(splinter_store_open_fd(&one, 300, NULL), "open");
        must(splinter_store_set(one, "one", "1", 1, NULL, NULL), "set");
        for (int fd = 3; fd < 256; fd++)
            close(fd);
        must(splinter_store_open_fd(&two, 300, NULL), "open");
        must(splinter_store_set(two, "two", "2", 1, NULL, NULL), "set");
        bad += use_all(one, true) != 0;
        bad += attached(two) < 3; /* neither believes that the other is dead, */
        splinter_store_close(one);
        bad += splinter_store_set(two, "two", large, sizeof(large), NULL, NULL) != 0;
        bad += check_store(two);
        bad += splinter_store_sync(two) != 0;
        splinter_store_close(two);
        _exit(bad);
    }
    rc = reap(pid);
    if (rc)
        printf("# %d things are wrong\n", rc);
    report(!rc && !check_store(store), "%s: another handle gets the numbers of the descriptors",
           backing_names[backing]);
    end();
}

/* The next open(2) gives `n`; false: it cannot be made so. */
static bool number_comes_next(int n)
{
    int fd;

    do
        fd = open(victim, O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < n);
    return fd == n && !close(fd);
}

/* The descriptor of the first handle becomes that for the locks of a living owner: nobody is taken
 * for dead, and nothing of the second one is closed. */
static void number_of_the_locks_of_another(void)
{
    struct splinter_set_options own = {.struct_size = sizeof(own), .flags = SPLINTER_EPHEMERAL};
    pid_t pid;
    int rc;

    begin();
    pid = fork_child();
    if (!pid) {
        int keep = dup(splinter_store_fd(store)), bad = 0, n;
        splinter_store *one, *two;
        uint64_t token;

        alarm(60);
        dup2(keep, 300);
        must(splinter_store_open_fd(&one, 300, NULL), "open");
        must(splinter_store_set(one, "one", "1", 1, NULL, NULL), "set");
        n = splinter_store_fd(one);
        for (int fd = 3; fd < 256; fd++)
            close(fd);
        if (!number_comes_next(n - 1))
            _exit(99);
        must(splinter_store_open_fd(&two, 300, NULL), "open");
        must(splinter_store_set(two, "e", "2", 1, &own, NULL), "set");
        must(splinter_lease_acquire(two, "job", NULL, 0, NULL, 0, &token), "lease");
        bad += splinter_store_fd(two) != n - 1;
        bad += fcntl(n, F_GETFD) < 0;
        bad += splinter_store_fd(one) != -EBADF;
        rc = splinter_store_get(one, "e", NULL, 0, NULL, NULL);
        bad += rc == -ENOENT;
        bad += !splinter_lease_acquire(one, "job", NULL, 0, NULL, 0, &token);
        splinter_store_close(one);
        bad += fcntl(n, F_GETFD) < 0;
        splinter_store_close(two);
        _exit(bad);
    }
    rc = reap(pid);
    if (rc)
        printf("# %d things are wrong\n", rc);
    report(!rc && !check_store(store),
           "%s: a descriptor's number becomes that of another handle's locks",
           backing_names[backing]);
    end();
}

static void without_standard_descriptors(void)
{
    struct place other;
    pid_t pid;
    int rc;

    begin();
    place_new(&other, backing);
    pid = fork_child();
    if (!pid) {
        splinter_store *made = NULL, *opened = NULL;
        int bad = 0;

        alarm(60);
        close(0);
        close(1);
        close(2);
        made = place_make(&other, backing, 100, 100);
        bad += place_open(&place, 0, &opened) != 0;
        bad += splinter_store_fd(made) <= 2 || splinter_store_fd(opened) <= 2;
        for (int fd = 0; fd < 3; fd++) { /* a message, to whatever is there */
            ssize_t ignored = write(fd, "a message that destroys a header", 32);
            (void)ignored;
            bad += fcntl(fd, F_GETFD) >= 0;
        }
        bad += splinter_store_set(made, "k", "v", 1, NULL, NULL) != 0;
        bad += splinter_store_check(made, NULL, NULL) || splinter_store_check(opened, NULL, NULL);
        splinter_store_close(opened);
        place_end(&other, made);
        _exit(bad);
    }
    rc = reap(pid);
    report(!rc && !check_store(store), "%s: descriptors 0 to 2 are closed, and no store gets one",
           backing_names[backing]);
    end();
}

/* ---- rights that are given up ---- */

static void gives_up_rights(bool root_of_its_own)
{
    static const char value[] = "set without rights";
    char buf[64];
    pid_t pid;
    size_t size;
    int rc;

    if (geteuid()) {
        report(true, "%s: a child gives up its rights # SKIP only root can",
               backing_names[backing]);
        return;
    }
    begin();
    pid = fork_child();
    if (!pid) {
        alarm(60);
        if (root_of_its_own && (chroot(support_dir()) || chdir("/")))
            _exit(100);
        if (setgid(65534) || setuid(65534))
            _exit(101);
        rc = splinter_store_set(store, "child", value, sizeof(value), NULL, NULL);
        if (!rc)
            rc = splinter_store_get(store, "k", buf, sizeof(buf), &size, NULL);
        if (!rc)
            rc = splinter_store_unset(store, "k", 0, NULL);
        splinter_store_close(store);
        _exit(rc ? 1 : 0);
    }
    rc = reap(pid);
    report(!rc && !splinter_store_get(store, "child", buf, sizeof(buf), &size, NULL) &&
           size == sizeof(value) &&
           splinter_store_get(store, "k", NULL, 0, NULL, NULL) == -ENOENT && !check_store(store),
           "%s: a child that calls %s writes for the first time", backing_names[backing],
           root_of_its_own ? "chroot() and setuid()" : "setuid()");
    end();
}

/* Without rights before the fork there is no way; the error is none that means something else. */
static void has_no_rights(void)
{
    pid_t pid;
    int rc;

    if (geteuid()) {
        report(true, "%s: a process without rights # SKIP only root can", backing_names[backing]);
        return;
    }
    begin();
    pid = fork_child();
    if (!pid) {
        alarm(60);
        if (chroot(support_dir()) || chdir("/"))
            _exit(100);
        pid = fork();
        if (!pid) {
            rc = splinter_store_set(store, "child", "c", 1, NULL, NULL);
            _exit(rc == -ENOLCK && strstr(splinter_last_error(), "/proc") ? 0 : 1);
        }
        _exit(reap(pid) ? 1 : 0);
    }
    rc = reap(pid);
    report(!rc && !check_store(store), "%s: a child that is made without /proc is told so",
           backing_names[backing]);
    end();
}

/* ---- stat in a child ---- */

static void stat_in_a_child(void)
{
    int ready[2], go[2], rc;
    pid_t dies, child;
    char c;

    begin();
    if (pipe(ready) || pipe(go))
        die("pipe");
    dies = fork_child();
    if (!dies) {
        splinter_store *s = place_again(&place, 0);

        must(splinter_store_set(s, "dies", "d", 1, NULL, NULL), "set");
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(ready[0], &c, 1) != 1)
        die("pipe");
    child = fork_child();
    if (!child) {
        unsigned with, without;

        alarm(60);
        with = attached(store);
        if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1)
            _exit(1);
        without = attached(store);
        _exit(with == 2 && without == 1 ? 0 : 1);
    }
    if (read(ready[0], &c, 1) != 1)
        die("pipe");
    kill(dies, SIGKILL);
    reap(dies);
    if (write(go[1], "g", 1) != 1)
        die("pipe");
    rc = reap(child);
    report(!rc, "%s: stat in a child that has not written does not count the dead",
           backing_names[backing]);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    end();
}

int main(void)
{
    support_start_in_memory();
    alarm(250); /* what hangs is to fail */
    for (backing = 0; backing < BACKINGS; backing++) {
        descriptors_are_replaced(true, false);
        descriptors_are_replaced(true, true);
        descriptors_are_replaced(false, false);
        descriptors_are_replaced(false, true);
        locks_outlive_their_descriptor();
        numbers_of_another_handle();
        number_of_the_locks_of_another();
        without_standard_descriptors();
        gives_up_rights(false);
        gives_up_rights(true);
        has_no_rights();
        stat_in_a_child();
    }
    return tap_end();
}
