/* Names for dataflows, requests and goals: UUIDs of version 7, which sort by the time they were made. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

enum { UUID_TEXT = 37 }; /* with its NUL */

void uuid_make(char text[UUID_TEXT]);

#endif
