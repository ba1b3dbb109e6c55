/* Handlers of events that live in a shared object of somebody else's: the C interface of
 *
 *     flockstat run --handler plugin=/path/to/handler.so COMMAND
 *
 * The object exports flockstat_plugin_init_v1. It is called once, before COMMAND starts; handle() once for
 * each event, one at a time, in the thread that called init; close() after the last one. All of it happens in
 * the flockstat command, never in the programs that are watched: one that crashes or exits ends that command,
 * and the programs go on unattended. An exception that leaves it is said once, and it goes on to be called.
 */
#ifndef FLOCKSTAT_PLUGIN_H
#define FLOCKSTAT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum flockstat_value_kind {
    flockstat_value_string = 0,
    flockstat_value_double = 1,
    flockstat_value_int64 = 2,
    flockstat_value_bool = 3
};

/* One entry of an event's data. */
struct flockstat_value {
    const char *key; /* NUL-terminated */
    enum flockstat_value_kind kind;
    const char
        *text; /* string: its bytes, which a NUL follows; paths are what the kernel gave, not always UTF-8 */
    size_t text_bytes; /* string: without that NUL */
    double number;     /* double */
    int64_t integer;   /* int64; bool: 0 or 1 */
};

/* All of it belongs to flockstat, and is valid until handle() returns. */
struct flockstat_event {
    const char *name;                     /* "flockstat.Stat", ... */
    int64_t timestamp_ns;                 /* since 1970 */
    const struct flockstat_value *values; /* in the order of their keys */
    size_t value_count;
};

/* What init fills in. */
struct flockstat_plugin {
    void *self; /* handed to the functions below */
    void (*handle)(void *self, const struct flockstat_event *event);
    void (*close)(void *self); /* may stay null */
};

/* `argument` is what followed the object's path and a comma on the command line, "" without one; it is the
 * caller's. Returns null, or why the plug-in cannot work: one line, which ends `flockstat run` with status
 * 125. */
const char *flockstat_plugin_init_v1(struct flockstat_plugin *plugin, const char *argument);

#ifdef __cplusplus
}
#endif

#endif
