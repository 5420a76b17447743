/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mount.c - a file system that goes away, and comes back within one boot; and no /proc
 *
 * It takes root; the first also takes mkfs.ext4 and a loop device.  Without them, that is skipped.
 * Everything is mounted in a mount namespace of the test, and goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#ifndef FS_IOC_SHUTDOWN
#define FS_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#endif
#define SHUTDOWN_NOLOGFLUSH 2u

#define KEYS 200

static char image[512], here[512], there[512], name[600], again[600];
static int faults, progress_calls;

static void fault(const char *what, long is, long should)
{
    if (++faults <= 5)
        printf("# %s: %ld, not %ld\n", what, is, should);
}

static bool mounts(void)
{
    char command[2200];

    snprintf(command, sizeof(command), "mount -o loop '%s' '%s' >/dev/null 2>&1", image, here);
    return system(command) == 0;
}

static bool ready(void)
{
    char command[1100];
    int fd;

    snprintf(image, sizeof(image), "%s/image", support_dir());
    snprintf(here, sizeof(here), "%s/here", support_dir());
    snprintf(there, sizeof(there), "%s/there", support_dir());
    snprintf(name, sizeof(name), "%s/store", here);
    snprintf(again, sizeof(again), "%s/store", there);
    if (mkdir(here, 0700) || mkdir(there, 0700))
        return false;
    fd = open(image, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, 24 << 20))
        return false;
    close(fd);
    snprintf(command, sizeof(command), "mkfs.ext4 -q -F '%s' >/dev/null 2>&1", image);
    return system(command) == 0 && mounts();
}

static void progress(void *arg, uint64_t done, uint64_t total)
{
    (void)arg;
    (void)done;
    (void)total;
    progress_calls++;
}

static splinter_store *opened(const char *path, uint32_t flags)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .slots = 1000, .max_value = 256};
    splinter_store *s = NULL;

    progress_calls = 0;
    o.flags = SPLINTER_FILE | flags;
    o.progress = progress;
    if (splinter_store_open(&s, path, &o)) {
        printf("# %s\n", splinter_last_error());
        faults++;
    }
    return s;
}

static void set(splinter_store *s, int i, const char *val)
{
    char key[16];

    snprintf(key, sizeof(key), "key%d", i);
    if (splinter_store_set(s, key, val, strlen(val), NULL, NULL))
        faults++;
}

/* A writer that is killed: the first half of the keys is synced, and then changed again. */
static void write_and_die(const char *path)
{
    int status = 0;
    pid_t pid = fork();

    if (!pid) {
        splinter_store *s = opened(path, SPLINTER_CREATE);

        for (int i = 0; s && i < KEYS / 2; i++)
            set(s, i, "synced");
        if (!s || splinter_store_sync(s))
            _exit(1);
        for (int i = KEYS / 4; i < KEYS; i++)
            set(s, i, "later");
        if (faults)
            _exit(1);
        raise(SIGKILL);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        fault("the writer", status, SIGKILL);
}

/* The keys with either value; of the first half there must be all. */
static unsigned found(splinter_store *s)
{
    unsigned n = 0;

    for (int i = 0; i < KEYS; i++) {
        char key[16], got[16];
        size_t len;
        int rc;

        snprintf(key, sizeof(key), "key%d", i);
        rc = splinter_store_get(s, key, got, sizeof(got), &len, NULL);
        n += !rc;
        if (rc && i < KEYS / 2)
            fault(key, rc, 0);
    }
    return n;
}

static uint64_t epoch_of(const char *path)
{
    uint64_t epoch = 0;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || pread(fd, &epoch, sizeof(epoch), 256) != (ssize_t)sizeof(epoch))
        faults++;
    close(fd);
    return epoch;
}

static void opens(const char *path, bool rebuilt, unsigned least)
{
    splinter_store *s = opened(path, 0);

    if (!s)
        return;
    if ((progress_calls > 0) != rebuilt)
        fault("rebuilt", progress_calls > 0, rebuilt);
    if (found(s) < least)
        fault("keys", (long)found(s), (long)least);
    if (splinter_store_check(s, NULL, NULL))
        faults++;
    splinter_store_close(s);
}

/* The disk has what was synced; what was not went with the file system. */
static void it_went_away(void)
{
    uint32_t how = SHUTDOWN_NOLOGFLUSH;
    uint64_t before;
    int fd;

    faults = 0;
    write_and_die(name);
    before = epoch_of(name);
    fd = open(here, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || ioctl(fd, FS_IOC_SHUTDOWN, &how)) {
        close(fd);
        report(true, "a file system that went away # SKIP it cannot be shut down");
        return;
    }
    close(fd);
    if (umount(here) || !mounts()) {
        report(false, "a file system comes back: %s", strerror(errno));
        return;
    }
    opens(name, true, KEYS / 2);
    if (epoch_of(name) <= before)
        fault("the epoch", (long)epoch_of(name), (long)before);
    report(!faults, "a file system that went away: what was synced is there, and epochs go on");
}

/* In another place, as a container that starts again has it. */
static void it_is_mounted_elsewhere(bool with_sysfs)
{
    faults = 0;
    unlink(name);
    write_and_die(name);
    if (mount(here, there, NULL, MS_BIND, NULL) ||
        (!with_sysfs && mount("none", "/sys", "tmpfs", 0, NULL))) {
        report(true, "a file system in another place # SKIP %s", strerror(errno));
        return;
    }
    opens(again, !with_sysfs, KEYS);
    if (!with_sysfs)
        umount("/sys");
    umount(there);
    report(!faults, "a file system in another place, %s: nothing is missing",
           with_sysfs ? "which is known" : "which is rebuilt without /sys");
}

/* Sets a key, in this process and in a child of fork. */
static void sets(splinter_store *s)
{
    int status = 0;
    pid_t pid;

    if (!s)
        return;
    set(s, 1, "a");
    pid = fork();
    if (!pid) {
        set(s, 2, "a");
        _exit(faults != 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        fault("the child", status, 0);
}

static void without_proc(void)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .slots = 1000, .max_value = 256};
    char path[600], in_memory[64];
    splinter_store *s;

    faults = 0;
    if (mount("none", "/proc", "tmpfs", 0, NULL)) {
        report(true, "without /proc # SKIP %s", strerror(errno));
        return;
    }
    snprintf(path, sizeof(path), "%s/file", support_dir());
    for (int n = 0; n < 2; n++) { /* created, then opened */
        s = opened(path, n ? 0 : SPLINTER_CREATE);
        sets(s);
        splinter_store_close(s);
    }
    snprintf(in_memory, sizeof(in_memory), "splinter-test-%ld-noproc", (long)getpid());
    o.flags = SPLINTER_MEMORY | SPLINTER_CREATE;
    for (int n = 0; n < 2; n++) {
        int rc = splinter_store_open(&s, in_memory, &o);

        if (rc)
            fault(splinter_last_error(), rc, 0);
        else
            sets(s);
        splinter_store_close(s);
    }
    /* What has no name cannot be opened again.  The error says what is missing. */
    o.flags = SPLINTER_ANONYMOUS;
    if (splinter_store_open(&s, NULL, &o) != -ENOLCK || !strstr(splinter_last_error(), "/proc"))
        fault(splinter_last_error(), 0, -ENOLCK);
    splinter_store_unlink(in_memory, SPLINTER_MEMORY);
    umount("/proc");
    report(!faults, "without /proc, a store is created, opened, and used by a child, by its path");
}

int main(void)
{
    support_start_in_memory();
    if (geteuid() || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        printf("1..0 # SKIP not root, or no namespaces\n");
        return 0;
    }
    without_proc();
    if (!ready()) {
        report(true, "a file system that went away # SKIP no mkfs.ext4 or no loop device");
        return tap_end();
    }
    it_went_away();
    it_is_mounted_elsewhere(true);
    it_is_mounted_elsewhere(false);
    umount(here);
    return tap_end();
}
