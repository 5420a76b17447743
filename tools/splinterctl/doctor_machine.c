/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_machine.c - is anything wrong with /dev/shm, /proc or the kernel? */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "doctor.h"

#define LEAST_PERCENT 5 /* less than that is left: it will be full soon, if it is not */

/* futex_waitv(2), with the same number on all machines but one.  Old headers do not know it. */
#ifdef __alpha__
#define WAITV_CALL 559L
#else
#define WAITV_CALL 449L
#endif

/* ---- file systems ---- */

static void find_little_room(const char *path, const struct statvfs *fs, bool memory)
{
    uint64_t block = fs->f_frsize, size = fs->f_blocks * block, left = fs->f_bavail * block;
    uint64_t wanted = size / (UINT64_C(512) << 10) + 1; /* twice the size, in MiB */
    const char *place = doctor_word(path);
    doctor_found("room", path,
                 memory ? doctor_text("mount -o remount,size=%lluM %s", (unsigned long long)wanted,
                                      place)
                        : doctor_text("du -xh %s | sort -h | tail # what takes it", place),
                 "%s of %s are left on its file system%s", doctor_size(left), doctor_size(size),
                 left < block ? ": it is full" : "");
}

void doctor_room(const char *path, bool memory)
{
    struct statvfs fs;
    if (statvfs(path, &fs) || (fs.f_flag & ST_RDONLY))
        return;
    if (fs.f_blocks && fs.f_bavail < fs.f_blocks / (100 / LEAST_PERCENT))
        find_little_room(path, &fs, memory);
    /* Some file systems have no number of files, and say 0. */
    if (fs.f_files && fs.f_favail < fs.f_files / (100 / LEAST_PERCENT))
        doctor_found("files", path,
                     memory ? doctor_text("mount -o remount,nr_inodes=%llu %s",
                                          (unsigned long long)fs.f_files * 2, doctor_word(path))
                            : NULL,
                     "%llu of %llu files more can be made on its file system",
                     (unsigned long long)fs.f_favail, (unsigned long long)fs.f_files);
}

static void check_memory_folder(void)
{
    static const char folder[] = CLI_MEMORY_FOLDER;
    struct stat st;
    struct statfs fs;
    if (stat(folder, &st)) {
        doctor_found("shm", folder,
                     doctor_text("mkdir -p %s && mount -t tmpfs -o mode=1777 tmpfs %s", folder,
                                 folder),
                     "buses in memory are here, and it cannot be reached: %s", strerror(errno));
        return;
    }
    if (!statfs(folder, &fs) && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
        doctor_found("shm", folder,
                     doctor_text("mount -t tmpfs -o mode=1777 tmpfs %s", folder),
                     "it is no tmpfs, but a file system of the type %#lx", (long)fs.f_type);
    if (access(folder, W_OK | X_OK)) {
        int error = errno;
        doctor_found("shm", folder,
                     error == EROFS ? doctor_text("mount -o remount,rw %s", folder)
                                    : doctor_text("chmod 1777 %s", folder),
                     "user %s cannot make a bus here: %s", doctor_user(geteuid()),
                     strerror(error));
    }
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        doctor_found("shm", folder, doctor_text("chmod +t %s", folder),
                     "any user may remove the buses of all others: the sticky bit is not set");
    doctor_room(folder, true);
}

static void check_proc(void)
{
    struct statfs fs;
    char text[64];
    if (statfs("/proc", &fs) || fs.f_type != PROC_SUPER_MAGIC)
        doctor_found("proc", "/proc", "mount -t proc proc /proc",
                     "it is not mounted, so nobody can see which processes have a bus open");
    else if (!*doctor_file("/proc/1/stat", text, sizeof(text)))
        doctor_found("proc", "/proc", "mount -o remount,hidepid=0 /proc",
                     "it hides the processes of other users, and so those that have a bus open");
}

/* ---- the kernel ---- */

static bool has_waitv(void)
{
    return !syscall(WAITV_CALL, NULL, 0, 0, NULL, 0) || (errno != ENOSYS && errno != EPERM);
}

static bool has_membarrier(void)
{
    long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/* Is the kernel that old, or does something else keep the call from us? */
static const char *mend_call(const char *name, int major, int minor)
{
    struct utsname kernel;
    int is_major, is_minor;
    if (!uname(&kernel) && sscanf(kernel.release, "%d.%d", &is_major, &is_minor) == 2 &&
        (is_major > major || (is_major == major && is_minor >= minor)))
        return doctor_text("allow it in the filter of system calls (systemd: SystemCallFilter=%s)",
                           name);
    return doctor_text("boot Linux %d.%d or a later one", major, minor);
}

static void check_kernel(void)
{
    if (!has_waitv())
        doctor_found("kernel", "futex_waitv(2)", mend_call("futex_waitv", 5, 16),
                     "processes like this one cannot call it; a wait for several keys then wakes "
                     "at every change of the bus, and may be a millisecond late");
    if (!has_membarrier())
        doctor_found("kernel", "membarrier(2)", mend_call("membarrier", 4, 14),
                     "processes like this one cannot call it; each call of the bus verbs, such as "
                     "splinter_get(), then takes a fence of its own");
}

void doctor_machine(void)
{
    check_memory_folder();
    check_proc();
    check_kernel();
}
