/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_json.c - a member of a JSON object, whatever the bytes are */
#include "logtee_json.h"

#include <stdbool.h>
#include <stdint.h>
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
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (n > 2 ? (uint32_t)p[i + 2] : 0);
        char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                         digits[bits & 63]};
        memset(group + n + 1, '=', 3 - n);
        cli_out_put(out, group, 4);
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
