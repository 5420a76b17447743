/* SPDX-License-Identifier: Apache-2.0 */
/* steps_harness.c - forks a process, kills it at a step, has others look; see steps.h */
#include "steps.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAIL_INSIDE
#include "attach.h"
#include "fail.h"
#include "fault.h"
#include "steps_inside.h"

#define MAX_STEPS 256
#define FEED 256 /* of every other store */

struct board *board;
const struct scene *scene;
int backing;
struct place place;
splinter_store *keeper, *second;
bool slow_sets;
unsigned stride;
unsigned armed, interfered;
int failures;

void fault(const char *format, ...)
{
    va_list args;

    failures++;
    printf("# FAULT in '%s', dead at '%s': ", scene->name, board->last);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- the steps ---- */

extern const struct fault_step *const __start_fault_steps[];
extern const struct fault_step *const __stop_fault_steps[];

static const char *steps[MAX_STEPS];
static unsigned step_count;
static uint32_t *died; /* times a process died at each; shared with the dying */

static unsigned arrivals, kill_at;

static void at_step(const char *step)
{
    if (!armed)
        return;
    board->fast_sets += !strcmp(step, "fast: epoch taken");
    if (scene->interfere && second) {
        armed = 0;
        scene->interfere(step);
        armed = 1;
    }
    if (++arrivals != kill_at)
        return;
    for (unsigned i = 0; i < step_count; i++)
        if (!strcmp(steps[i], step))
            died[i]++;
    snprintf(board->last, sizeof(board->last), "%s", step);
    kill(getpid(), SIGKILL);
}

/* False: two steps have one name.  A step that is in line in several objects is listed by each. */
static bool collect_steps(void)
{
    const struct fault_step *const *at, *const *before;

    for (at = __start_fault_steps; at < __stop_fault_steps; at++) {
        for (before = __start_fault_steps; before < at; before++)
            if (!strcmp((*before)->name, (*at)->name))
                break;
        if (before == at) {
            if (step_count == MAX_STEPS)
                die("more than %d steps", MAX_STEPS);
            steps[step_count++] = (*at)->name;
        } else if ((*before)->line != (*at)->line || strcmp((*before)->file, (*at)->file)) {
            printf("# '%s' stands at two places: %s:%d and %s:%d\n", (*at)->name,
                   (*before)->file, (*before)->line, (*at)->file, (*at)->line);
            return false;
        }
    }
    return step_count > 0;
}

/* Steps that stores in memory never come to. */
static bool durable_step(const char *step)
{
    static const char *const begins[] = {"limbo: ",   "retire: ", "sync: ", "rebuild: ",
                                         "recover: old record marked",
                                         "recover: old record in limbo", "open: session noted",
                                         "open: clock begun",
                                         "close: clean on disk"};

    for (unsigned i = 0; i < sizeof(begins) / sizeof(*begins); i++)
        if (!strncmp(step, begins[i], strlen(begins[i])))
            return true;
    return false;
}

unsigned unreached_steps(unsigned *of_steps)
{
    unsigned unreached = 0;

    for (unsigned i = 0; i < step_count; i++)
        if (!died[i] && !(backing != BACKING_FILE && durable_step(steps[i]))) {
            printf("# nobody died at '%s'\n", steps[i]);
            unreached++;
        }
    *of_steps = step_count;
    return unreached;
}

bool harness_start(int in_backing)
{
    backing = in_backing;
    board = shared_memory(sizeof(*board));
    died = shared_memory(MAX_STEPS * sizeof(*died));
    fail_seed = UINT64_C(0x123456789abcdef); /* keys lie in the same buckets every time */
    fault_hook = at_step;
    return collect_steps();
}

/* ---- one case ---- */

/* A process that works until step n of its life.  True: it was killed there. */
static bool run(unsigned n, bool cleaner)
{
    int status;
    pid_t pid;

    board->acked = 0;
    arrivals = interfered = 0;
    kill_at = n;
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s = keeper;

        alarm(WATCHDOG);
        if (cleaner) {
            struct splinter_stat st = {.struct_size = sizeof(st)};

            armed = 1;
            if (place_open(&place, 0, &s) || splinter_store_stat(s, &st))
                _exit(3);
            splinter_store_close(s);
            _exit(0);
        }
        /* That a handle gets its entry with its first change has scenes of its own. */
        if (!(scene->flags & (INHERIT | OPENS))) {
            s = place_again(&place, 0);
            must(attach_own(s), "attach");
        }
        if (scene->interfere) {
            second = place_again(&place, 0);
            must(attach_own(second), "attach");
        }
        armed = 1;
        board->result = scene->act(s);
        board->acked = 1;
        fail_reset();
        armed = 0;
        _exit(scene->flags & MAY_FAIL || board->result == scene->want ? 0 : 2);
    }
    status = reap(pid);
    if (status == 1000 + SIGKILL)
        return true;
    if (status)
        fault("%s ended with %d, result %d", cleaner ? "the cleaner" : "who should have lived",
              status, board->result);
    return false;
}

/* A new store, prepared by the keeper, or by a process that is gone in order. */
static void stage(bool by_keeper)
{
    item_count = 0;
    memset(items, 0, sizeof(items));
    place_feed = by_keeper ? FEED : 0;
    keeper = place_make(&place, backing, scene->slots ? scene->slots : SLOTS_DEFAULT, MAX_VALUE);
    if (by_keeper) {
        scene->prepare(keeper);
    } else {
        splinter_store *s = place_again(&place, 0);

        scene->prepare(s);
        splinter_store_close(s);
    }
    if (!(scene->flags & ALONE))
        return;
    if (scene->flags & TORN) {
        char path[600];

        if (!by_keeper) /* else it was closed in order */
            must(set_item(keeper, &items[1], 0, 0), "preparing");
        items[4].free = true; /* that it was unset was not synced */
        abandon(keeper);
        place_path(&place, path, sizeof(path));
        make_torn(path);
    } else {
        splinter_store_close(keeper);
    }
    keeper = NULL;
}

static void strike(void)
{
    if (!keeper)
        keeper = place_again(&place, 0);
    check_all(keeper, "the keeper at the end");
    splinter_store_close(keeper);
    if (backing != BACKING_MEMFD)
        must(splinter_store_unlink(place.name, place.flags), "unlink");
}

/* The survivors, in a process of their own. */
static void aftermath(bool with_waiter, int *seen)
{
    static int *shared;
    int status;
    pid_t pid;

    if (!shared)
        shared = shared_memory(sizeof(*shared));
    *shared = *seen;
    pid = fork_bound_child();
    if (!pid) {
        status = survive(with_waiter, shared);
        fflush(stdout);
        _exit(status ? 1 : 0);
    }
    status = reap(pid);
    if (status > 1)
        fault("the survivor ended with %d", status);
    else
        failures += status;
    *seen = *shared;
}

/* ---- all cases of a scene ---- */

/* The process dies at step k, and then its cleaner, at every step of its own. */
static void die_twice(bool by_keeper, unsigned k, unsigned *twice)
{
    bool cleaner_died = true;

    for (unsigned m = 1; cleaner_died; m++) {
        int dont_care = 0;
        char first[80], then[80];

        stage(by_keeper);
        if (!run(k, false)) { /* the last one to be tried was beyond the end */
            strike();
            return;
        }
        memcpy(first, board->last, sizeof(first));
        cleaner_died = run(m, true);
        if (cleaner_died) {
            memcpy(then, board->last, sizeof(then));
            snprintf(board->last, sizeof(board->last), "%.30s', then '%.30s", first, then);
            ++*twice;
            aftermath(false, &dont_care);
        }
        strike();
    }
}

/* The step after n.  With a stride of two, the two ways to prepare a store share the steps.  With a
 * longer one, each begins at any of the first, and the very first is always played. */
static unsigned step_after(unsigned n, bool by_keeper)
{
    if (scene->flags & LONG && n >= 80)
        return n + (1 + n / 10) * stride;
    if (n > 1 || stride == 1 || (n && stride == 2))
        return n + stride;
    if (!n && !by_keeper)
        return 1;
    return n + (stride == 2 ? 2 : 1 + (unsigned)(random_next(&support_seed) % stride));
}

unsigned play(const struct scene *what, bool by_keeper, unsigned every, unsigned *twice)
{
    int seen = 0;
    unsigned n = 0, deaths = 0;
    bool died_there;

    scene = what;
    board->plain_sets = board->fast_sets = 0;
    do {
        n = step_after(n, by_keeper);
        stage(by_keeper);
        died_there = run(n, false);
        deaths += died_there;
        if (!died_there)
            snprintf(board->last, sizeof(board->last), "the end");
        aftermath(true, &seen);
        strike();
    } while (died_there);
    if (slow_sets ? board->fast_sets > 0 : scene->flags & FAST && !board->fast_sets)
        fault("%s set took the fast path", slow_sets ? "a slow" : "no");
    if (scene->flags & SLOW)
        every = 0;
    if (scene->flags & LONG)
        every *= 1 + n / 40;
    for (unsigned k = 1 + (every ? n % every : n); k < n; k += every)
        die_twice(by_keeper, k, twice);
    return deaths;
}

unsigned play_creation(const struct scene *what, bool without_tmpfile)
{
    unsigned n = 0;
    bool died_there;
    int seen = 0;

    scene = what;
    fail_tmpfile = without_tmpfile;
    do {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;
        int status, rc;
        pid_t pid;

        n++;
        place_new(&place, backing);
        options.flags = place.flags | SPLINTER_CREATE;
        options.slots = SLOTS_DEFAULT;
        options.max_value = MAX_VALUE;
        arrivals = 0;
        kill_at = n;
        pid = fork_child();
        if (!pid) {
            alarm(WATCHDOG);
            armed = 1;
            _exit(splinter_store_open(&s, place.name, &options) ? 1 : 0);
        }
        status = reap(pid);
        died_there = status == 1000 + SIGKILL;
        if (!died_there && status)
            fault("creation ended with %d", status);
        rc = place_open(&place, SPLINTER_RDONLY, &s);
        if (rc && rc != -ENOENT)
            fault("a reader: %s", splinter_last_error());
        if (rc == 0 ? seen < 0 : seen > 0)
            fault("the name came and went");
        seen = rc == 0;
        splinter_store_close(s);
        rc = splinter_store_open(&keeper, place.name, &options);
        if (rc) {
            fault("a second creator: %s", splinter_last_error());
            continue;
        }
        item_count = 0;
        present_first(keeper);
        after = items[0];
        rc = 2;
        aftermath(true, &rc);
        strike();
    } while (died_there);
    fail_tmpfile = 0;
    if (!without_tmpfile && backing == BACKING_FILE && names_in(support_dir(), "store-"))
        fault("%u files are left behind", names_in(support_dir(), "store-"));
    return n - 1;
}
