"""A gRPC server, as much of one as ext_proc needs, on the event loop itself.

::

    socket -> server (listens, routes, drains) -> connection (HTTP/2) -> call (gRPC messages) -> handler
                                                    frames, hpack (pure)

An exchange is four or five small messages on a stream of its own. The stock server hands each of them from
a thread to the event loop and back, which costs more than all that is done with it; here a message that
arrives in one system call is answered before the next. What is left out is what no peer of ours needs:
compressed messages, push, priorities, and header compression of what we send.
"""
