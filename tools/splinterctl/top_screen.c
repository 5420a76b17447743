/* SPDX-License-Identifier: Apache-2.0 */
/* top_screen.c - the full screen of top: keys at the left, all else at the right */
#include "config.h"

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "lasting.h"
#include "top_screen.h"

#define HEAD_ROWS 4 /* above the two columns */

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

/* A line of at most width columns, with nothing in it that the terminal obeys. */
__attribute__((format(printf, 4, 5))) static void put(int row, int col, int width,
                                                      const char *format, ...)
{
    char text[700], shown[CLI_SHOWN_MAX(sizeof(text)) + 1];
    wchar_t wide[sizeof(shown)];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len > (int)sizeof(text) - 1)
        len = (int)sizeof(text) - 1;
    if (row >= LINES || width <= 0 || len < 0)
        return;
    shown[cli_show(shown, text, (size_t)len)] = '\0';
    size_t count = mbstowcs(wide, shown, sizeof(shown)), fits = 0;
    for (int used = 0; count != (size_t)-1 && fits < count; fits++) {
        int columns = wcwidth(wide[fits]);
        if (columns < 0)
            wide[fits] = L'?';
        used += columns < 0 ? 1 : columns;
        if (used > width)
            break;
    }
    mvaddnwstr(row, col, wide, (int)fits);
}

/* Bytes in a few letters. */
static const char *bytes(uint64_t n, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)n;
    size_t unit = 0;
    for (; size >= 1000 && unit < 4; unit++)
        size /= 1024;
    snprintf(text, 24, unit && size < 100 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}

static void draw_head(const struct top_sample *s, uint64_t interval_ms)
{
    const struct splinter_stat *stat = &s->stat;
    char used[24], reserved[24], mapped[24];
    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    put(0, 1, COLS - 30, "%s%s", ctl_bus_name(),
        s->replaced ? "  (removed: this is the old one)" : "");
    put(0, COLS - 26, 26, "every %g s    q: quit", (double)interval_ms / 1000);
    attroff(A_REVERSE);
    put(1, 0, COLS, "keys %" PRIu64 " of %" PRIu64 " (%" PRIu64 " %% full)   changes %" PRIu64
        " a second", stat->keys, stat->slots, stat->slots ? stat->keys * 100 / stat->slots : 0,
        top_rate(s, s->changes));
    put(2, 0, COLS, "memory %s used, %s reserved, %s at most   attached %" PRIu32 "   feed %"
        PRIu64, bytes(stat->used_bytes, used), bytes(stat->reserved_bytes, reserved),
        bytes(stat->mapped_bytes, mapped), stat->attached, stat->feed);
}

static void draw_title(int row, int col, int width, const char *title)
{
    attron(A_BOLD);
    put(row, col, width, "%s", title);
    attroff(A_BOLD);
}

/* A slow rate has a decimal. */
static const char *rate(const struct top_sample *s, uint64_t count, char *text)
{
    double exact = s->for_ms ? (double)count * 1000 / (double)s->for_ms : 0;
    snprintf(text, 24, "%.*f", exact > 0 && exact < 9.95, exact);
    return text;
}

static void draw_keys(const struct top_sample *s, int width)
{
    char size[24], changes[24];
    draw_title(HEAD_ROWS, 0, width, "CHANGES/S       SIZE  KEY");
    if (!s->key_count)
        put(HEAD_ROWS + 1, 0, width, s->for_ms ? "no key has changed" : "wait for the rates");
    for (size_t i = 0; i < s->key_count && HEAD_ROWS + 1 + (int)i < LINES; i++) {
        const struct top_key *key = &s->keys[i];
        put(HEAD_ROWS + 1 + (int)i, 0, width, "%9s %10s  %s", rate(s, key->changes, changes),
            bytes(key->size, size), key->key);
    }
}

/* ---- the right column: sections, which share the rows ---- */

static void lease_line(const struct top_sample *s, size_t i, int row, int col, int width)
{
    const struct top_lease *lease = &s->leases[i];
    put(row, col, width, "%7" PRIu32 " %-10.10s %s", lease->owner,
        *lease->holder ? lease->holder : "-", lease->key);
}

static void queue_line(const struct top_sample *s, size_t i, int row, int col, int width)
{
    const struct top_queue *queue = &s->queues[i];
    put(row, col, width, "%7" PRIu64 " %6" PRIu64 " %6" PRIu64 "  %s", queue->stat.waiting,
        queue->stat.taken, queue->stat.capacity, queue->name);
}

static void topic_line(const struct top_sample *s, size_t i, int row, int col, int width)
{
    const struct top_topic *topic = &s->topics[i];
    char published[24];
    put(row, col, width, "%7s %6" PRIu64 " %6" PRIu64 "  %s",
        rate(s, topic->published, published), topic->stat.next - topic->stat.oldest,
        topic->stat.capacity, topic->name);
}

static void process_line(const struct top_sample *s, size_t i, int row, int col, int width)
{
    const struct ctl_process *process = &s->processes[i];
    put(row, col, width, "%7d %-8s %s", (int)process->pid, process->state, process->name);
}

struct section {
    const char *title, *none;
    size_t count, kept, rows;
    void (*line)(const struct top_sample *s, size_t i, int row, int col, int width);
};
#define SECTIONS 4

/* Gives each section a row in turn until all have what they want, or no row is left. */
static void share(struct section *sections, size_t rows)
{
    bool given = true;
    while (rows && given) {
        given = false;
        for (size_t i = 0; i < SECTIONS && rows; i++)
            if (sections[i].rows < (sections[i].count ? sections[i].count : 1)) {
                sections[i].rows++;
                rows--;
                given = true;
            }
    }
}

static void draw_section(const struct top_sample *s, const struct section *section, int row,
                         int col, int width)
{
    bool all = section->count <= section->rows && section->count <= section->kept;
    size_t lines = all ? section->count : section->rows ? section->rows - 1 : 0;
    if (lines > section->kept)
        lines = section->kept;
    draw_title(row, col, width, section->title);
    for (size_t i = 0; i < lines; i++)
        section->line(s, i, row + 1 + (int)i, col, width);
    if (!section->count)
        put(row + 1, col, width, "%s", section->none);
    else if (!all && section->rows)
        put(row + 1 + (int)lines, col, width, "and %zu more", section->count - lines);
}

static void draw_sections(const struct top_sample *s, int col, int width)
{
    struct section sections[SECTIONS] = {
        {"    PID HOLDER     LEASE", "no lease is held", s->lease_count, TOP_LEASES_MAX, 0,
         lease_line},
        {"WAITING  TAKEN     OF  QUEUE", "no queues", s->queue_count, SIZE_MAX, 0, queue_line},
        {"  NEW/S   KEPT     OF  TOPIC", "no topics", s->topic_count, SIZE_MAX, 0, topic_line},
        {"    PID STATE    PROCESS", "no other process has it open", s->process_count, SIZE_MAX,
         0, process_line},
    };
    int row = HEAD_ROWS, rows = LINES - HEAD_ROWS - SECTIONS;
    share(sections, rows > 0 ? (size_t)rows : 0);
    for (size_t i = 0; i < SECTIONS && row < LINES; i++) {
        draw_section(s, &sections[i], row, col, width);
        row += 1 + (int)sections[i].rows;
    }
}

static void draw(const struct top_sample *s, uint64_t interval_ms)
{
    int left = COLS / 2;
    erase();
    draw_head(s, interval_ms);
    draw_keys(s, left - 1);
    draw_sections(s, left + 1, COLS - left - 1);
    refresh();
}

/* ---- the terminal ---- */

/* Waits for a key until the deadline.  Returns false if the person leaves. */
static bool attend(const struct top_sample *s, uint64_t deadline, uint64_t interval_ms)
{
    for (;;) {
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        uint64_t left = cli_slice(deadline);
        if (cli_stop)
            return false;
        if (resized) {
            struct winsize size;
            resized = 0;
            if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
                resizeterm(size.ws_row, size.ws_col);
            clear();
            draw(s, interval_ms);
        }
        if (!left)
            return true;
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        char key;
        ssize_t n = read(STDIN_FILENO, &key, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || key == 'q' || key == 'Q' || key == 4)
            return false; /* the terminal is gone, or the person goes */
        if (key == ' ')
            return true;
        if (key == 12) { /* Ctrl-L */
            clear();
            draw(s, interval_ms);
        }
    }
}

void top_screen(struct top_sample *sample, splinter_store *store, uint64_t interval_ms)
{
    struct sigaction resize = {.sa_handler = on_resize}, before;
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8"); /* as the rest of splinterctl takes names */
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen)
        cli_die(CLI_FAILURE, "top: the terminal '%s' is not known, or cannot show a full screen; "
                "--once prints once", getenv("TERM") ? getenv("TERM") : "");
    ctl_catch_signals(store); /* until the command has ended */
    sigaction(SIGWINCH, &resize, &before);
    cbreak();
    noecho();
    curs_set(0);
    jmp_buf here, *catcher = cli_catcher;
    int failed = setjmp(here);
    if (!failed) {
        cli_catcher = &here;
        do {
            top_look(sample, store);
            draw(sample, interval_ms);
        } while (attend(sample, cli_deadline(sample->for_ms ? interval_ms : 300), interval_ms));
    }
    cli_catcher = catcher;
    endwin();
    delscreen(screen);
    sigaction(SIGWINCH, &before, NULL);
    if (failed)
        cli_die(failed - 1, "top has ended");
    if (cli_stop && cli_stop != SIGINT)
        cli_die_of_signal();
}
