/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_findings.c - what doctor has found, and words for it */
#include "doctor_findings.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_text.h"
#include "output.h"

struct finding {
    const char *check, *about, *mend, *text;
};

static struct {
    struct finding *finding;
    size_t count;
    char **text; /* all that doctor_text() has returned */
    size_t texts;
} all;

__attribute__((format(printf, 1, 0))) static char *keep(const char *format, va_list args)
{
    char *text;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    all.text = cli_need(realloc(all.text, (all.texts + 1) * sizeof(*all.text)));
    return all.text[all.texts++] = cli_need(text);
}

const char *doctor_text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = keep(format, args);
    va_end(args);
    return text;
}

void doctor_found(const char *check, const char *about, const char *mend, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = keep(format, args);
    va_end(args);
    all.finding = cli_need(realloc(all.finding, (all.count + 1) * sizeof(*all.finding)));
    all.finding[all.count++] = (struct finding){check, about, mend, text};
}

const char *doctor_word(const char *word)
{
    if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_./:@%+,-")] && *word != '-')
        return word;
    char *quoted = cli_need(malloc(strlen(word) * 4 + 3)), *to = quoted;
    *to++ = '\'';
    for (; *word; word++)
        to = *word == '\'' ? stpcpy(to, "'\\''") : (*to = *word, to + 1);
    strcpy(to, "'");
    const char *kept = doctor_text("%s", quoted);
    free(quoted);
    return kept;
}

const char *doctor_size(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    double size = (double)bytes;
    for (; size >= 1024; size /= 1024)
        unit++;
    return unit ? doctor_text("%.1f %s", size, units[unit])
                : doctor_text("%llu byte%s", (unsigned long long)bytes, CLI_S(bytes));
}

const char *doctor_user(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    return user ? doctor_text("%s", user->pw_name) : doctor_text("%lu", (unsigned long)uid);
}

const char *doctor_file(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    for (ssize_t n; fd >= 0 && len < room - 1; len += (size_t)n)
        if ((n = read(fd, text + len, room - 1 - len)) <= 0)
            break;
    if (fd >= 0)
        close(fd);
    text[len] = '\0';
    return text;
}

void doctor_forget(void)
{
    for (size_t i = 0; i < all.texts; i++)
        free(all.text[i]);
    free(all.text);
    free(all.finding);
    memset(&all, 0, sizeof(all));
}

size_t doctor_print(void)
{
    for (size_t i = 0; i < all.count; i++) {
        const struct finding *f = &all.finding[i];
        const struct ctl_field fields[] = {
            ctl_text("check", f->check),
            ctl_text("about", f->about),
            ctl_text("finding", f->text),
            f->mend ? ctl_text("mend", f->mend) : ctl_none("mend"),
        };
        if (i && !ctl_json())
            cli_out_put(&ctl_out, "\n", 1);
        ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
    }
    return all.count;
}
