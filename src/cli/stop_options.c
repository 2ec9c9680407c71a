#include "cli/stop_options.h"

#include "base/clock.h"
#include "cli/report.h"
#include "cli/values.h"

bool stop_options_read(const struct options *options, json_t *params)
{
    const char *text = options_value(options, "grace-duration");
    bool force = options_has(options, "force");
    struct error error = ERROR_INIT;
    int64_t ns;
    if (text && force) {
        report_error("`--grace-duration` and `--force` don't go together");
        return false;
    }
    if (force)
        return json_object_set_new(params, "force", json_true()) == 0;
    if (!text)
        return true;
    if (value_duration(text, &ns, &error) < 0) {
        report_error("`--grace-duration`: %s", error.message);
        return false;
    }
    return json_object_set_new(params, "grace", json_real((double)ns / CLOCK_SECOND)) == 0;
}
