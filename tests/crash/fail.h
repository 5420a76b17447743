/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail.h - the system calls and allocations of the library, in the hands of a test
 *
 * Compiled into the crash tests' copy of the library ahead of each file (cc -include): every
 * call named here goes through fail.c, which counts it and may let it fail.  No wrapping by the
 * linker, so that it works with every linker, C library and sanitizer.
 */
#ifndef SPLINTER_TEST_FAIL_H
#define SPLINTER_TEST_FAIL_H

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Each kind is counted by itself. */
#define FAIL_KINDS(X) \
    X(mmap) X(ftruncate) X(fallocate) X(open) X(fcntl) X(allocation) X(pwrite) X(pread) \
    X(link) X(fstat) X(memfd_create) X(fdatasync) X(msync) X(lseek) X(fchmod) \
    X(fstatfs) X(ioctl) X(eventfd) X(pthread_create)
#define FAIL_ENUM(kind) FAIL_##kind,
enum fail_kind { FAIL_KINDS(FAIL_ENUM) FAIL_COUNT };

extern const char *const fail_names[FAIL_COUNT];
extern unsigned fail_calls[FAIL_COUNT]; /* made since fail_reset() */
extern unsigned fail_at[FAIL_COUNT];    /* the call that fails; 0: none */
extern int fail_for_good;               /* the calls after that one fail, too */
extern int fail_errno;                  /* with this */
extern long fail_allocated;             /* blocks of memory held by the library */
extern const char *fail_boot_id;        /* a file in the place of the kernel's boot id, or NULL */
extern int fail_tmpfile;                /* the file system has no O_TMPFILE */
extern uint64_t fail_seed;              /* of every new store, unless 0 */

/* A file system that is not there: its magic number, unless 0; bytes that it has free. */
extern uint32_t fail_magic;
extern uint64_t fail_free_bytes;
extern int fail_nocow;   /* 1: files are not copied on write; 0: but can be told so; -1: cannot */
extern int fail_shared;  /* 1: a file shares its first page with another one */
extern int fail_unshare; /* why it cannot get a page of its own; 0: it can */

extern int fail_waitv; /* futex_waitv(2) fails with it, as with ENOSYS of an old kernel; or 0 */

/* A kernel with pages of so many bytes, unless 0; and one whose timer interrupts each fallocate()
 * of more than so many, which then has reserved nothing. */
extern long fail_page;
extern off_t fail_interrupts;
extern unsigned fail_partly; /* calls that reserved a part of a page of fail_page bytes */

void fail_reset(void);

void *fail_mmap_(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int fail_ftruncate_(int fd, off_t length);
int fail_fallocate_(int fd, int mode, off_t offset, off_t length);
int fail_open_(const char *path, int flags, ...);
int fail_fcntl_(int fd, int cmd, ...);
int fail_posix_memalign_(void **out, size_t align, size_t size);
void *fail_malloc_(size_t size);
void *fail_calloc_(size_t n, size_t size);
void *fail_realloc_(void *old, size_t size);
void fail_free_(void *p);
ssize_t fail_pwrite_(int fd, const void *buf, size_t n, off_t offset);
ssize_t fail_pread_(int fd, void *buf, size_t n, off_t offset);
int fail_link_(const char *from, const char *to);
int fail_linkat_(int fd, const char *from, int to_fd, const char *to, int flags);
int fail_fstat_(int fd, struct stat *st);
int fail_memfd_create_(const char *name, unsigned flags);
int fail_fdatasync_(int fd);
int fail_msync_(void *addr, size_t len, int flags);
off_t fail_lseek_(int fd, off_t offset, int whence);
int fail_fchmod_(int fd, mode_t mode);
int fail_fstatfs_(int fd, struct statfs *st);
long fail_sysconf_(int name);
int fail_ioctl_(int fd, unsigned long request, void *arg);
int fail_syscall_(long number, ...);
int fail_eventfd_(unsigned count, int flags);
int fail_pthread_create_(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                         void *arg);
ssize_t fail_getrandom_(void *buf, size_t n, unsigned flags);

#ifndef FAIL_INSIDE
#define mmap(...) fail_mmap_(__VA_ARGS__)
#define ftruncate(...) fail_ftruncate_(__VA_ARGS__)
#define fallocate(...) fail_fallocate_(__VA_ARGS__)
#define open(...) fail_open_(__VA_ARGS__)
#define fcntl(...) fail_fcntl_(__VA_ARGS__)
#define posix_memalign(...) fail_posix_memalign_(__VA_ARGS__)
#define malloc(...) fail_malloc_(__VA_ARGS__)
#define calloc(...) fail_calloc_(__VA_ARGS__)
#define realloc(...) fail_realloc_(__VA_ARGS__)
#define free(...) fail_free_(__VA_ARGS__)
#define pwrite(...) fail_pwrite_(__VA_ARGS__)
#define pread(...) fail_pread_(__VA_ARGS__)
#define link(...) fail_link_(__VA_ARGS__)
#define linkat(...) fail_linkat_(__VA_ARGS__)
#define fstat(...) fail_fstat_(__VA_ARGS__)
#define memfd_create(...) fail_memfd_create_(__VA_ARGS__)
#define fdatasync(...) fail_fdatasync_(__VA_ARGS__)
#define msync(...) fail_msync_(__VA_ARGS__)
#define lseek(...) fail_lseek_(__VA_ARGS__)
#define fchmod(...) fail_fchmod_(__VA_ARGS__)
#define fstatfs(...) fail_fstatfs_(__VA_ARGS__)
#define sysconf(...) fail_sysconf_(__VA_ARGS__)
#define ioctl(...) fail_ioctl_(__VA_ARGS__)
#define syscall(...) (fail_syscall_(__VA_ARGS__) ? -1L : syscall(__VA_ARGS__))
#define eventfd(...) fail_eventfd_(__VA_ARGS__)
#define pthread_create(...) fail_pthread_create_(__VA_ARGS__)
#define getrandom(...) fail_getrandom_(__VA_ARGS__)
#endif

#endif
