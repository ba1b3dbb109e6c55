// An add-on of node: its one function lock(descriptor) takes the flock of a file.
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>

// Of node_api.h, whose interface does not change (N-API version 1).
typedef void *napi_value;
int napi_create_function(void *env, const char *name, size_t length, napi_value (*function)(void *, void *),
                         void *data, napi_value *result);
int napi_get_cb_info(void *env, void *info, size_t *count, napi_value *arguments, napi_value *self,
                     void **data);
int napi_get_value_int32(void *env, napi_value value, int32_t *result);
int napi_set_named_property(void *env, napi_value object, const char *name, napi_value value);

static napi_value lock(void *env, void *info) {
    napi_value argument = NULL;
    size_t count = 1;
    int32_t descriptor = -1;
    napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
    napi_get_value_int32(env, argument, &descriptor);
    flock(descriptor, LOCK_EX);
    flock(descriptor, LOCK_UN);
    return NULL;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(void *env, napi_value exports) {
    napi_value function = NULL;
    napi_create_function(env, "lock", (size_t)-1, lock, NULL, &function);
    napi_set_named_property(env, exports, "lock", function);
    return exports;
}
