// A plug-in for `flockstat run --handler plugin=LIBRARY,FILE`: writes each event that it receives to FILE, a
// line each: its name, and KEY=VALUE for each entry of its data. "closed" at the end. Refuses to work without
// FILE.
#include "reporter/monitor/plugin.h"

#include <inttypes.h>
#include <stdio.h>

static void handle(void *self, const struct flockstat_event *event) {
    FILE *out = self;
    fprintf(out, "%s", event->name);
    for (size_t i = 0; i < event->value_count; ++i) {
        const struct flockstat_value *value = &event->values[i];
        switch (value->kind) {
        case flockstat_value_string: fprintf(out, " %s=%s", value->key, value->text); break;
        case flockstat_value_double: fprintf(out, " %s=%g", value->key, value->number); break;
        default: fprintf(out, " %s=%" PRId64, value->key, value->integer); break;
        }
    }
    fputc('\n', out);
}

static void end(void *self) {
    fputs("closed\n", self);
    fclose(self);
}

const char *flockstat_plugin_init_v1(struct flockstat_plugin *plugin, const char *argument) {
    plugin->self = *argument == '\0' ? NULL : fopen(argument, "w");
    plugin->handle = handle;
    plugin->close = end;
    return plugin->self == NULL ? "name a file that I can write to" : NULL;
}
