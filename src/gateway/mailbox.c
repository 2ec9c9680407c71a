#include "gateway/mailbox.h"

#include <errno.h>
#include <stdlib.h>

static void open_all(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    struct mail *mail = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    pthread_mutex_unlock(&mailbox->lock);
    while (mail) {
        struct mail *next = mail->next;
        mail->open(mail);
        mail = next;
    }
}

static void on_async(uv_async_t *async)
{
    open_all(async->data);
}

int mailbox_open(struct mailbox *mailbox, uv_loop_t *loop)
{
    *mailbox = (struct mailbox){.async = malloc(sizeof *mailbox->async)};
    mailbox->end = &mailbox->first;
    pthread_mutex_init(&mailbox->lock, NULL);
    if (!mailbox->async)
        return -ENOMEM;
    int rc = uv_async_init(loop, mailbox->async, on_async);
    if (rc < 0) {
        free(mailbox->async);
        mailbox->async = NULL;
        return rc;
    }
    mailbox->async->data = mailbox;
    return 0;
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
    mail->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    bool is_closed = mailbox->is_closed;
    if (!is_closed) {
        *mailbox->end = mail;
        mailbox->end = &mail->next;
        uv_async_send(mailbox->async);
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (is_closed)
        free(mail);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void mailbox_close(struct mailbox *mailbox)
{
    if (!mailbox->async)
        return;
    open_all(mailbox);
    pthread_mutex_lock(&mailbox->lock);
    mailbox->is_closed = true;
    uv_close((uv_handle_t *)mailbox->async, on_closed);
    mailbox->async = NULL;
    pthread_mutex_unlock(&mailbox->lock);
}
