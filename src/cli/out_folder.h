/* `out`, where the logs of dataflows go. */
#ifndef CLI_OUT_FOLDER_H
#define CLI_OUT_FOLDER_H

/* Makes it in `directory`, as no part of anybody's repository. Failing is for the log files to report. */
void out_folder_make(const char *directory);

#endif
