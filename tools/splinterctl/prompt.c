/* SPDX-License-Identifier: Apache-2.0 */
/* prompt.c - commands that a person types at a terminal */
#include "prompt.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "history.h"
#include "output.h"
#include "parse.h"
#include "prompt_line.h"
#include "spawn.h"

#define LISTED_MAX 100 /* candidates that are shown */

static const struct ctl_command *all_commands;
static int (*run_words)(int argc, char **argv);
static bool abandoned, resized, paused;
static sigset_t before; /* the signals that were blocked */
static int columns = 80;

/* ---- the terminal ---- */

static void on_signal(int number)
{
    resized |= number == SIGWINCH;
    paused |= number == SIGTSTP;
}

/* Stops us as Ctrl-Z would without a handler.  That is not at all if no shell is there that could
 * continue us, such as in a window of our own. */
static void stop_here(void)
{
    const struct sigaction stop = {.sa_handler = SIG_DFL};
    struct sigaction catch;
    sigset_t only, mask;
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    sigaction(SIGTSTP, &stop, &catch);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &only, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &catch, NULL);
}

static void measure(void)
{
    struct winsize size;
    columns = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

/* Shows the line in the place of what is there. */
static void show_again(EditLine *el)
{
    printf("\r\033[K");
    fflush(stdout);
    el_set(el, EL_REFRESH);
}

/* Returns false if the line ends here. */
static bool after_signal(EditLine *el)
{
    if (paused) { /* as a shell expects it, with the terminal as it was */
        paused = false;
        el_set(el, EL_PREP_TERM, 0);
        stop_here();
        el_set(el, EL_PREP_TERM, 1);
        show_again(el);
    }
    if (resized) {
        resized = false;
        measure();
        el_resize(el); /* after which libedit takes the line for empty */
        show_again(el);
    }
    abandoned = cli_stop == SIGINT;
    if (abandoned)
        tcflush(STDIN_FILENO, TCIFLUSH);
    return !cli_stop;
}

/* Reads a character for libedit.  Signals come in nowhere else.  Returns 1; 0 if the terminal is
 * gone; -1 if the line is abandoned. */
static int read_character(EditLine *el, wchar_t *to)
{
    mbstate_t state = {0};
    for (;;) {
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        char byte;
        if (!after_signal(el))
            return -1;
        if (ppoll(&p, 1, NULL, &before) < 0)
            continue;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return 0;
        size_t len = mbrtowc(to, &byte, 1, &state);
        if (len == (size_t)-2)
            continue;
        if (len == (size_t)-1)
            *to = L'?'; /* no character of the locale */
        return 1;
    }
}

/* While commands run, Ctrl-C is theirs, and Ctrl-Z is everybody's. */
static void watch_signals(void)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
    struct sigaction catch = {.sa_handler = on_signal};
    sigset_t signals;
    cli_catch_signals(false);
    sigaction(SIGWINCH, &catch, NULL);
    sigaction(SIGTSTP, &catch, NULL);
    signal(SIGQUIT, SIG_IGN);
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++)
        sigaddset(&signals, watched[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
}

/* ---- what is seen ---- */

static char *prompt_text(EditLine *el)
{
    static char text[CLI_SHOWN_MAX(30) + 3];
    const char *bus = ctl_bus_name();
    size_t len = strlen(bus), most = 30;
    (void)el;
    len = cli_show(text, bus, len < most ? len : most);
    strcpy(text + len, "> ");
    return text;
}

static char *hint_text(EditLine *el)
{
    static char hint[256];
    const LineInfo *line = el_line(el);
    char *text = cli_need(strndup(line->buffer, (size_t)(line->lastchar - line->buffer)));
    snprintf(hint, sizeof(hint), "%s", ctl_line_hint(all_commands, text));
    free(text);
    int room = columns - 3 - (int)strlen(prompt_text(el)) - (int)(line->lastchar - line->buffer);
    if ((int)strlen(hint) <= room)
        return hint;
    char *arguments = strncmp(hint, "[OPTION]... ", 12) ? hint : hint + 12;
    if ((int)strlen(arguments) > room)
        arguments[strcspn(arguments, " ")] = '\0';
    if ((int)strlen(arguments) > room)
        arguments[0] = '\0';
    return arguments;
}

static unsigned char space(EditLine *el, int c)
{
    char text[2] = {(char)c, 0};
    return el_insertstr(el, text) ? CC_ERROR : CC_REFRESH; /* with another hint */
}

static void list_candidates(const struct ctl_candidates *all)
{
    size_t width = 0, shown = all->count < LISTED_MAX ? all->count : LISTED_MAX;
    for (size_t i = 0; i < shown; i++)
        if (strlen(all->item[i].word) > width)
            width = strlen(all->item[i].word);
    size_t in_line = (size_t)columns / (width + 2);
    putchar('\n');
    for (size_t i = 0; i < shown; i++) {
        const struct ctl_candidate *c = &all->item[i];
        int room = columns - 5 - (int)width;
        if (*c->about && room > 0)
            printf("  %-*s  %.*s\n", (int)width, c->word,
                   (int)strcspn(c->about, "\n") < room ? (int)strcspn(c->about, "\n") : room,
                   c->about);
        else
            printf("%-*s%s", (int)width, c->word,
                   in_line < 2 || i % in_line == in_line - 1 || i + 1 == shown ? "\n" : "  ");
    }
    if (shown < all->count)
        printf("and %zu more\n", all->count - shown);
    fflush(stdout);
}

/* Puts text in the place of what is between the beginning of a word and the cursor. */
static void put_word(EditLine *el, const char *begun, const char *text, const char *behind)
{
    size_t characters = mbstowcs(NULL, begun, 0);
    el_deletestr(el, (int)(characters == (size_t)-1 ? strlen(begun) : characters));
    el_insertstr(el, text);
    el_insertstr(el, behind);
}

static unsigned char complete(EditLine *el, int c)
{
    const LineInfo *line = el_line(el);
    char *text = cli_need(strndup(line->buffer, (size_t)(line->cursor - line->buffer))), *word;
    struct ctl_candidates all;
    size_t begin = ctl_line_complete(all_commands, text, &all, &word);
    size_t common = ctl_candidates_common(&all);
    unsigned char result = CC_REFRESH;
    (void)c;
    if (!all.count) {
        result = CC_REFRESH_BEEP;
    } else if (all.count == 1 || common > strlen(word)) {
        char *whole = cli_need(strndup(all.item[0].word, common));
        char *quoted = ctl_line_quote(whole);
        bool ended = all.count == 1 && !all.begun;
        if (!ended && quoted[0] == '\'') /* it goes on inside of the quotes */
            quoted[strlen(quoted) - 1] = '\0';
        put_word(el, text + begin, quoted, ended ? " " : "");
        free(quoted);
        free(whole);
    } else {
        list_candidates(&all);
        result = CC_REDISPLAY;
    }
    ctl_candidates_free(&all);
    free(word);
    free(text);
    return result;
}

/* ---- commands ---- */

static noreturn void become(int count, char **words, pid_t parent)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGQUIT};
    ctl_die_with(parent, SIGTERM);
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        signal(ours[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    int status = run_words(count, words);
    cli_out_flush(&ctl_out);
    exit(status);
}

static int run_apart(int count, char **words)
{
    int status;
    cli_out_flush(&ctl_out);
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(count, words, parent);
    if (pid < 0) {
        cli_warn("cannot run '%s': %s", words[0], strerror(errno));
        return CLI_FAILURE;
    }
    pid_t ended;
    while ((ended = waitpid(pid, &status, WUNTRACED)) < 0 || WIFSTOPPED(status)) {
        if (ended >= 0)
            stop_here(); /* Ctrl-Z stops all of us, and fg continues all */
        else if (errno != EINTR)
            return CLI_FAILURE;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_line(char *line, int status, bool *leave)
{
    static struct ctl_words words;
    int count = ctl_split(line, &words);
    if (count < 0) {
        cli_warn("a quote is not closed");
        return CLI_USAGE;
    }
    *leave = count == 1 && (!strcmp(words.word[0], "quit") || !strcmp(words.word[0], "exit"));
    return count && !*leave ? run_apart(count, words.word) : status;
}

/* A signal that came while a command ran was for the command; but not one that is to end us. */
static void forget_interrupt(void)
{
    sigset_t pending;
    const struct timespec now = {0, 0};
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    if (!sigpending(&pending) && sigismember(&pending, SIGINT) == 1 &&
        sigtimedwait(&interrupt, NULL, &now) == SIGINT)
        putchar('\n'); /* behind the ^C */
    if (cli_stop == SIGINT)
        cli_stop = 0;
}

/* ---- the prompt ---- */

static void remember(void *history_of_libedit, const char *line)
{
    HistEvent event;
    history(history_of_libedit, &event, H_ENTER, line);
}

static void keep(History *lines, const char *line)
{
    static bool told;
    remember(lines, line);
    if (!ctl_history_add(line) && !told) {
        cli_warn("the line is not kept in '%s': %s", ctl_history_path(), strerror(errno));
        told = true;
    }
}

static EditLine *begin(History **lines)
{
    HistEvent event;
    EditLine *el = cli_need(el_init("splinterctl", stdin, stdout, stderr));
    *lines = cli_need(history_init());
    history(*lines, &event, H_SETSIZE, CTL_HISTORY_MAX);
    history(*lines, &event, H_SETUNIQUE, 1);
    ctl_history_read(remember, *lines);
    el_set(el, EL_EDITOR, "emacs");
    /* Else Ctrl-C might take away what ppoll() has found, and read() would wait, with signals
     * blocked.  after_signal() throws it away instead. */
    el_set(el, EL_SETTY, "-d", "+noflsh", NULL);
    el_set(el, EL_SIGNAL, 0);
    el_set(el, EL_HIST, history, *lines);
    el_set(el, EL_PROMPT, prompt_text);
    el_set(el, EL_RPROMPT, hint_text);
    el_set(el, EL_GETCFN, read_character);
    el_set(el, EL_ADDFN, "splinter-complete", "complete the word", complete);
    el_set(el, EL_ADDFN, "splinter-space", "insert a space", space);
    el_set(el, EL_BIND, "^I", "splinter-complete", NULL);
    el_set(el, EL_BIND, " ", "splinter-space", NULL);
    el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(el, EL_BIND, "^W", "ed-delete-prev-word", NULL);
    el_set(el, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
    el_source(el, NULL); /* the user's ~/.editrc */
    return el;
}

int ctl_prompt(const struct ctl_command *commands, int (*run)(int argc, char **argv))
{
    History *lines;
    int status = CLI_OK;
    bool leave = false;
    all_commands = commands;
    run_words = run;
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8"); /* as the rest of splinterctl takes names */
    measure();
    watch_signals();
    EditLine *el = begin(&lines);
    printf("splinterctl %s: 'help' lists the commands, Tab completes, Ctrl-D leaves.\n",
           splinter_version());
    while (!leave) {
        int count = 0;
        forget_interrupt();
        el_set(el, EL_PREP_TERM, 1); /* el_gets() would show the prompt before that */
        const char *line = cli_stop ? NULL : el_gets(el, &count);
        if (abandoned) {
            abandoned = false;
            printf("^C\n");
            el_reset(el);
            continue;
        }
        if (!line || count <= 0)
            break;
        char *copy = cli_need(strndup(line, strcspn(line, "\n")));
        if (copy[strspn(copy, " \t")] && copy[0] != ' ') /* a space keeps it a secret */
            keep(lines, copy);
        status = run_line(copy, status, &leave);
        free(copy);
    }
    el_end(el);
    history_end(lines);
    if (!leave && !cli_stop)
        putchar('\n');
    fflush(stdout);
    sigprocmask(SIG_SETMASK, &before, NULL); /* a SIGHUP may have waited */
    if (cli_stop && cli_stop != SIGINT)
        cli_die_of_signal();
    return status;
}
