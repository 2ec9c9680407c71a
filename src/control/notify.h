/* Tells the service manager how this process does, where there is one ($NOTIFY_SOCKET): "READY=1", "STOPPING=1",
 * "STATUS=…". Failure is ignored: nobody can do anything about it. */
#ifndef CONTROL_NOTIFY_H
#define CONTROL_NOTIFY_H

void control_notify(const char *state);

#endif
