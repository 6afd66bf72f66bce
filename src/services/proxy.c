#include "worker/service.h"
const struct service service_proxy = { .name = "proxy" };
