/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addon.c - a watch in the loop of node; see loop.js
 *
 * What is used of Node-API and of libuv is declared here, as both keep it the same for good, and
 * their headers need not be there.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <splinter.h>

/* ---- Node-API ---- */

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_ref__ *napi_ref;
typedef struct napi_scope__ *napi_scope;
typedef struct napi_info__ *napi_info;
typedef napi_value (*napi_callback)(napi_env env, napi_info info);

extern int napi_get_uv_event_loop(napi_env env, void **loop);
extern int napi_create_function(napi_env env, const char *name, size_t len, napi_callback call,
                                void *data, napi_value *out);
extern int napi_set_named_property(napi_env env, napi_value object, const char *name,
                                   napi_value value);
extern int napi_get_cb_info(napi_env env, napi_info info, size_t *count, napi_value *args,
                            napi_value *this_, void **data);
extern int napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *out);
extern int napi_get_reference_value(napi_env env, napi_ref reference, napi_value *out);
extern int napi_get_undefined(napi_env env, napi_value *out);
extern int napi_create_uint32(napi_env env, uint32_t value, napi_value *out);
extern int napi_create_string_utf8(napi_env env, const char *s, size_t len, napi_value *out);
extern int napi_get_value_string_utf8(napi_env env, napi_value value, char *buf, size_t size,
                                      size_t *out);
extern int napi_call_function(napi_env env, napi_value this_, napi_value function, size_t count,
                              const napi_value *args, napi_value *result);
extern int napi_open_handle_scope(napi_env env, napi_scope *out);
extern int napi_close_handle_scope(napi_env env, napi_scope scope);

/* ---- libuv ---- */

typedef struct uv_poll uv_poll;
#define UV_POLL 8     /* of uv_handle_type */
#define UV_READABLE 1 /* of uv_poll_event */

extern size_t uv_handle_size(int type);
extern int uv_poll_init(void *loop, uv_poll *handle, int fd);
extern int uv_poll_start(uv_poll *handle, int events, void (*ready)(uv_poll *, int, int));
extern int uv_poll_stop(uv_poll *handle);
extern void uv_close(uv_poll *handle, void (*closed)(uv_poll *));

/* ---- the addon ---- */

static splinter_store *store;
static splinter_watch *watch;
static uv_poll *handle;
static napi_env environment;
static napi_ref listener;

static void tell(uint64_t tag, const char *key)
{
    napi_value function, none, args[2], result;
    napi_scope scope;

    napi_open_handle_scope(environment, &scope);
    napi_get_reference_value(environment, listener, &function);
    napi_get_undefined(environment, &none);
    napi_create_uint32(environment, (uint32_t)tag, &args[0]);
    napi_create_string_utf8(environment, key, (size_t)-1, &args[1]);
    napi_call_function(environment, none, function, 2, args, &result);
    napi_close_handle_scope(environment, scope);
}

static void ready(uv_poll *of, int status, int events)
{
    struct splinter_event event = {.struct_size = sizeof(event)};
    uint64_t tag;

    (void)of;
    if (status < 0 || !(events & UV_READABLE))
        abort();
    while (watch && !splinter_watch_next(watch, &tag, &event, NULL, 0))
        tell(tag, event.key);
}

static void freed(uv_poll *of)
{
    free(of);
}

static napi_value start(napi_env env, napi_info info)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_ANONYMOUS,
                                      .slots = 1000, .max_value = 100};
    size_t count = 1;
    napi_value function;
    void *loop;

    environment = env;
    napi_get_cb_info(env, info, &count, &function, NULL, NULL);
    napi_create_reference(env, function, 1, &listener);
    if (splinter_store_open(&store, "loop", &o) || splinter_watch_open(&watch, store, 0) ||
        splinter_watch_add_prefix(watch, "some/", 0, 7))
        abort();
    handle = malloc(uv_handle_size(UV_POLL));
    if (!handle || napi_get_uv_event_loop(env, &loop) ||
        uv_poll_init(loop, handle, splinter_watch_fd(watch)) ||
        uv_poll_start(handle, UV_READABLE, ready))
        abort();
    return NULL;
}

static napi_value set(napi_env env, napi_info info)
{
    size_t count = 1, len;
    napi_value key;
    char name[64];

    napi_get_cb_info(env, info, &count, &key, NULL, NULL);
    if (napi_get_value_string_utf8(env, key, name, sizeof(name), &len) ||
        splinter_store_set(store, name, "v", 1, NULL, NULL))
        abort();
    return NULL;
}

static napi_value stop(napi_env env, napi_info info)
{
    (void)env;
    (void)info;
    uv_poll_stop(handle);
    uv_close(handle, freed);
    splinter_watch_close(watch);
    watch = NULL;
    return NULL;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports);

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback call;
    } functions[] = {{"start", start}, {"set", set}, {"stop", stop}};
    napi_value function;

    for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        if (napi_create_function(env, functions[i].name, (size_t)-1, functions[i].call, NULL,
                                 &function) ||
            napi_set_named_property(env, exports, functions[i].name, function))
            return NULL;
    return exports;
}
