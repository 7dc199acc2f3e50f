"""Who wants to know (clause 5.8): `registry.Subscriptions` is the door, everything else is behind it.

    validate     a payload -> the members it may have, checked
    read         a stored document -> `model.Subscription`, and -> what a client is shown
    index        the few subscriptions that a change can concern
    match        does this change concern this one
    watch        on a change, inside its transaction: what is owed becomes rows
    periodic     what is owed by the clock instead
    message      the notification
    deliver      sends what is owed: a `lane` per subscriber, a `breaker` per host, `post` for one request
    destinations where the city may connect to, after name resolution

From opening the store to closing it:

    subscriptions = Subscriptions(store, contexts, Destinations.of(allowed, loopback=open_to_clients))
    await subscriptions.start()          # before the first write
    id = await subscriptions.create(tenant, payload, context)
    read.shown(subscriptions.get(tenant, id), context, now)
    await subscriptions.close()          # before the store
"""
