/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - exec: the commands of a file, one a line */
#include <inttypes.h>
#include <string.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "lines.h"
#include "parse.h"

enum { EXEC_KEEP_GOING };
const struct ctl_option ctl_exec_options[] = {
    [EXEC_KEEP_GOING] = {"keep-going", NULL,
                         "go on after a command that fails; the status is\n"
                         "                       that of the first one"},
    {NULL, NULL, NULL},
};

static int run_line(const struct ctl_call *call, char *line, size_t len)
{
    static struct ctl_words words;
    if (memchr(line, '\0', len)) {
        cli_warn("the line has a zero byte");
        return CLI_USAGE;
    }
    int count = ctl_split(line, &words);
    if (count < 0) {
        cli_warn("a quote is not closed");
        return CLI_USAGE;
    }
    return count ? call->again(count, words.word) : CLI_OK;
}

int ctl_run_exec(const struct ctl_call *call)
{
    static struct ctl_lines in;
    if (cli_place)
        cli_usage("exec cannot run exec");
    ctl_lines_open(&in, call->count ? call->arguments[0] : NULL);
    if (!call->count)
        ctl_stdin_taken = true;
    struct cli_place place = {in.name, 0};
    uint64_t failed = 0;
    int status = CLI_OK;
    size_t len;
    char *line;
    while ((!status || call->given[EXEC_KEEP_GOING]) && (line = ctl_next_line(&in, &len))) {
        place.line++;
        cli_place = &place;
        int r = run_line(call, line, len);
        cli_place = NULL;
        if (r && !status)
            status = r;
        failed += r != 0;
    }
    if (failed && call->given[EXEC_KEEP_GOING])
        cli_warn("%" PRIu64 " command%s failed", failed, CLI_S(failed));
    ctl_lines_close(&in);
    return status;
}
