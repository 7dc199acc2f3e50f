"""The subscriptions of NGSIv2: `read` compiles what a client wrote, `show` gives it back, `voice` decides and `letter` tells."""
