"""``solocron worker``: a process that takes runs from RabbitMQ and calls their functions.

``bench`` decides, without threads, clock or I/O: it is fed what happens and answers with what is
to be done.  ``service`` runs it: one thread, with the broker behind one port and the launcher of
Python jobs behind another.
"""
