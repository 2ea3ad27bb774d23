"""Stand-ins for MUTT's pipeline, for Moogsoft and for Redis, shared by demo, benchmarks and tests.

What MUTT's consumers do is stated here once, as its source says it; nothing here is installed or
shipped, and the program does not import it. Virtual time is the benchmarks' own, and misbehaviour
(kills, an ill Moogsoft, hostile bytes) that of the tests that need it.

    facts                what they do to a message: field names, limits, retries, wrapping
    runtime              the pipeline's runtime configuration, as its consumers read it
    alerter, forwarder   their decisions, as pure steps
    limiter, breaker     the forwarder's rate limit and circuit breaker
    moogsoft             an HTTP server
    redis_server         a server process of one's own, tied to the process that started it
    books                the proof that nothing is lost and nothing doubled
"""
