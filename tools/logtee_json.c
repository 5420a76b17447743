/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_json.c - a member of a JSON object, whatever the bytes are */
#include "logtee_json.h"

#include <stdbool.h>
#include <string.h>

#include "cli_text.h"

static void put_escaped(struct cli_out *out, const unsigned char *p, size_t len)
{
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f)
            continue;
        cli_out_put(out, p + done, i - done);
        if (p[i] == '"' || p[i] == '\\')
            cli_out_printf(out, "\\%c", p[i]);
        else if (p[i] == '\n')
            cli_out_put(out, "\\n", 2);
        else
            cli_out_printf(out, "\\u%04x", (unsigned)p[i]);
        done = i + 1;
    }
    cli_out_put(out, p + done, len - done);
}

static void put_base64(struct cli_out *out, const unsigned char *p, size_t len)
{
    char text[CLI_BASE64_MAX(3 * 256)];
    for (size_t i = 0, n; i < len; i += n) {
        n = len - i < 3 * 256 ? len - i : 3 * 256;
        cli_out_put(out, text, cli_base64(text, p + i, n));
    }
}

void logtee_json_member(struct cli_out *out, const char *member, const void *bytes, size_t len)
{
    bool text = cli_is_utf8(bytes, len);
    cli_out_printf(out, "\"%s%s\":\"", member, text ? "" : "_base64");
    if (text)
        put_escaped(out, bytes, len);
    else
        put_base64(out, bytes, len);
    cli_out_put(out, "\"", 1);
}
