/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - what the tests share; see support.h */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHM_DIR "/dev/shm"

uint64_t support_seed;

const char *const backing_names[BACKINGS] = {"memory", "file", "memfd"};

static char dir[256];
static char prefix[64];
static pid_t starter;
static unsigned counter;

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("# ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void must(int rc, const char *what)
{
    if (rc)
        die("%s: %s", what, strerror(-rc));
}

/* Everything in a folder whose name begins with `begin`, the folders in it included. */
static void remove_all(const char *folder, const char *begin)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    if (!d)
        return;
    while ((e = readdir(d))) {
        char path[1024];
        struct stat st;

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
            strncmp(e->d_name, begin, strlen(begin)))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (!lstat(path, &st) && S_ISDIR(st.st_mode)) {
            remove_all(path, "");
            rmdir(path);
        } else {
            unlink(path);
        }
    }
    closedir(d);
}

static void clean_up(void)
{
    if (getpid() != starter)
        return;
    remove_all(SHM_DIR, prefix);
    remove_all(dir, "");
    rmdir(dir);
}

/* A process that cleans up when the program, and all its children, have gone without doing so: by a
 * failed assertion, a signal, the kill of a watchdog.  It is nobody's child, and holds nothing. */
static void start_guardian(void)
{
    int life[2];
    pid_t pid;
    char c;

    if (pipe2(life, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid) {
        close(life[0]); /* the other end stays open as long as anybody of us lives */
        reap(pid);
        return;
    }
    if (setsid() < 0 || fork())
        _exit(0);
    for (int fd = 0; fd < 1024; fd++)
        if (fd != life[0])
            close(fd);
    while (read(life[0], &c, 1) < 0 && errno == EINTR)
        ;
    remove_all(SHM_DIR, prefix);
    remove_all(dir, "");
    rmdir(dir);
    _exit(0);
}

void support_start(void)
{
    const char *tmp = getenv("TMPDIR"), *seed = getenv("SPLINTER_TEST_SEED");

    setvbuf(stdout, NULL, _IOLBF, 0);
    starter = getpid();
    snprintf(prefix, sizeof(prefix), "splinter-test-%ld-", (long)starter);
    snprintf(dir, sizeof(dir), "%s/splinter-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        die("mkdtemp %s: %s", dir, strerror(errno));
    chmod(dir, 0755);
    start_guardian();
    atexit(clean_up);
    support_seed = seed ? strtoull(seed, NULL, 0) : now_ns() ^ (uint64_t)starter << 40;
    if (!support_seed)
        support_seed = 1;
    printf("# seed %" PRIu64 " (SPLINTER_TEST_SEED repeats it)\n", support_seed);
}

void support_start_in_memory(void)
{
    if (!getenv("SPLINTER_TEST_DISK"))
        setenv("TMPDIR", SHM_DIR, 1);
    support_start();
}

const char *support_dir(void)
{
    return dir;
}

/* A name that nothing has.  A child begins to count where its parent is; its number comes again
 * after 32768 processes, and an earlier child with that number may have left what it made. */
static void fresh(char *out, size_t size, bool file)
{
    char path[600];

    do {
        unsigned n = counter++;

        if (file)
            snprintf(out, size, "%s/store-%ld-%u", dir, (long)getpid(), n);
        else
            snprintf(out, size, "%s%ld-%u", prefix, (long)getpid(), n);
        snprintf(path, sizeof(path), "%s%s", file ? "" : SHM_DIR "/", out);
    } while (!access(path, F_OK));
}

void bus_name(char *out, size_t size)
{
#ifdef TEST_PERSISTENT
    fresh(out, size, true);
#else
    fresh(out, size, false);
#endif
}

void bus_path(char *out, size_t size, const char *name)
{
#ifdef TEST_PERSISTENT
    snprintf(out, size, "%s", name);
#else
    snprintf(out, size, SHM_DIR "/%s", name + (*name == '/'));
#endif
}

void place_new(struct place *place, int backing)
{
    static const uint32_t flags[BACKINGS] = {SPLINTER_MEMORY, SPLINTER_FILE, SPLINTER_ANONYMOUS};

    memset(place, 0, sizeof(*place));
    place->backing = backing;
    place->flags = flags[backing];
    fresh(place->name, sizeof(place->name), backing == BACKING_FILE);
}

size_t place_feed;

splinter_store *place_make(struct place *place, int backing, size_t slots, size_t max_value)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *store = NULL;
    int rc;

    place_new(place, backing);
    options.flags = place->flags;
    if (backing != BACKING_MEMFD)
        options.flags |= SPLINTER_CREATE | SPLINTER_EXCL;
    options.slots = slots;
    options.max_value = max_value;
    options.feed = place_feed;
    rc = splinter_store_open(&store, place->name, &options);
    if (rc)
        die("create %s: %s (%s)", place->name, strerror(-rc), splinter_last_error());
    place->first = store;
    return store;
}

int place_open(const struct place *place, uint32_t extra, splinter_store **out)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};

    *out = NULL;
    if (place->backing == BACKING_MEMFD) {
        options.flags = extra;
        return splinter_store_open_fd(out, splinter_store_fd(place->first), &options);
    }
    options.flags = place->flags | extra;
    return splinter_store_open(out, place->name, &options);
}

splinter_store *place_again(const struct place *place, uint32_t extra)
{
    splinter_store *store;
    int rc = place_open(place, extra, &store);

    if (rc)
        die("open %s: %s (%s)", place->name, strerror(-rc), splinter_last_error());
    return store;
}

void place_end(const struct place *place, splinter_store *store)
{
    splinter_store_close(store);
    if (place->backing != BACKING_MEMFD)
        splinter_store_unlink(place->name, place->flags);
}

void place_path(const struct place *place, char *out, size_t size)
{
    if (place->backing == BACKING_MEMFD)
        snprintf(out, size, "/proc/%ld/fd/%d", (long)getpid(), splinter_store_fd(place->first));
    else if (place->backing == BACKING_MEMORY)
        snprintf(out, size, SHM_DIR "/%s", place->name);
    else
        snprintf(out, size, "%s", place->name);
}

uint8_t *raw_read(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *bytes;
    size_t done = 0;

    if (fd < 0 || fstat(fd, &st))
        die("%s: %s", path, strerror(errno));
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        die("%s: no memory for %lld bytes", path, (long long)st.st_size);
    while (done < (size_t)st.st_size) {
        ssize_t n = pread(fd, bytes + done, (size_t)st.st_size - done, (off_t)done);

        if (n <= 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    *size = done;
    return bytes;
}

bool raw_contains(const char *path, const char *marker)
{
    size_t size;
    uint8_t *bytes = raw_read(path, &size);
    bool there = memmem(bytes, size, marker, strlen(marker)) != NULL;

    free(bytes);
    return there;
}

void raw_patch(const char *path, uint64_t offset, const void *bytes, size_t len)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || pwrite(fd, bytes, len, (off_t)offset) != (ssize_t)len)
        die("%s: %s", path, strerror(errno));
    close(fd);
}

static void say_problem(void *arg, const char *problem)
{
    (void)arg;
    fprintf(stderr, "# check: %s\n", problem);
}

int check_store(splinter_store *store)
{
    return splinter_store_check(store, say_problem, NULL);
}

unsigned repeated(unsigned times)
{
    const char *divisor = getenv("SPLINTER_TEST_DIVISOR");
    unsigned by = divisor ? (unsigned)strtoul(divisor, NULL, 10) : 1;

    return by > 1 && times > by ? times / by : times;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(2685821657736338717);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

void nap(uint64_t *seed, unsigned most_us)
{
    struct timespec t = {0, (long)((random_next(seed) >> 33) % ((uint64_t)most_us * 1000))};

    nanosleep(&t, NULL);
}

pid_t fork_child(void)
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    return pid;
}

pid_t fork_bound_child(void)
{
    pid_t parent = getpid(), pid = fork_child();

    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    return pid;
}

int reap(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid: %s", strerror(errno));
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool refuse_waitv(int error)
{
#if defined(SYS_futex_waitv)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#else
    (void)error;
    return false;
#endif
}

void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    return memory;
}

unsigned names_in(const char *folder, const char *begin)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    unsigned n = 0;

    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.' && !strncmp(e->d_name, begin, strlen(begin));
    if (d)
        closedir(d);
    return n;
}

uint64_t fnv1a(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = UINT64_C(14695981039346656037);

    while (len--) {
        h ^= *p++;
        h *= UINT64_C(1099511628211);
    }
    return h;
}
