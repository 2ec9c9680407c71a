/* Names for dataflows: UUIDs of version 7, which sort by the time they were made. */
#ifndef CLI_UUID_H
#define CLI_UUID_H

enum { UUID_TEXT = 37 }; /* with its NUL */

void uuid_make(char text[UUID_TEXT]);

#endif
