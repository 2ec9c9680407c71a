/* The part of dora-node-api.h that is about combined events, which here are those of dora alone; it includes this
 * itself. */
#ifndef DORA_RUST_COMBINED_HPP
#define DORA_RUST_COMBINED_HPP

#include "node.hpp"

class MergedEvents final
{
  public:
    std::unique_ptr<Events> events; /* NULL: none will come */
};

class MergedDoraEvent final
{
  public:
    std::unique_ptr<DoraEvent> event; /* NULL: the end */
};

struct CombinedEvent {
    rust::Box<MergedDoraEvent> event;

    bool is_dora() const noexcept /* false at the end */
    {
        return event->event != nullptr;
    }
};

struct CombinedEvents {
    rust::Box<MergedEvents> events;

    CombinedEvent next()
    {
        CombinedEvent found = {rust::Box<MergedDoraEvent>::from_raw(new MergedDoraEvent)};
        if (events->events) {
            std::unique_ptr<DoraEvent> event(events->events->next().into_raw());
            if (event->get())
                found.event->event = std::move(event);
        }
        return found;
    }
};

inline CombinedEvents dora_events_into_combined(rust::Box<Events> events)
{
    CombinedEvents combined = {rust::Box<MergedEvents>::from_raw(new MergedEvents)};
    combined.events->events.reset(events.into_raw());
    return combined;
}

inline CombinedEvents empty_combined_events()
{
    return {rust::Box<MergedEvents>::from_raw(new MergedEvents)};
}

/* Throws rust::Error at the end. */
inline rust::Box<DoraEvent> downcast_dora(CombinedEvent event)
{
    if (!event.is_dora())
        throw rust::Error("the event is not one of dora's");
    return rust::Box<DoraEvent>::from_raw(event.event->event.release());
}

#endif
