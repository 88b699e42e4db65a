"""HTTP targets: one thread, libcurl's multi interface, kept connections.

``launcher`` owns the thread and decides what starts and ends; ``flight`` writes works down as
requests, ``ahead`` does so before they are due; ``line`` keeps what waits
and sees to it that one host does not take up all capacity; ``transfers`` drives
libcurl from an epoll; ``request`` turns a run into the options of one request;
``signature`` signs it, if the job says so;
``answer`` turns what came back into an outcome, in words for a person; ``reports`` keeps what
there is to tell of these while others are to begin; ``guard`` lets no
request connect to an address that ``rules``, the operator's decisions, do not allow.

What a target may rely on
-------------------------
1. Every request of a run carries ``X-Solocron-Run-Id``, ``-Job`` (percent-encoded where
   it is not ASCII), ``-Attempt``, ``-Term``, ``-Fire-Time`` if the run has one, and
   ``Idempotency-Key``; a job's own headers cannot replace them.  A job with ``sign`` adds
   ``X-Solocron-Timestamp`` and ``X-Solocron-Signature``.
2. Only http and https are ever spoken, also after redirects, of which ten are followed:
   303 makes every method GET, 301 and 302 make POST a GET, 307 and 308 repeat the
   request.  ``Authorization`` and ``Cookie`` do not go along to another host; all other
   headers do.
3. A request is sent once, with one exception that every client has which keeps
   connections: if the server closes a kept connection at the very moment the request is
   sent, without a byte of answer, libcurl sends it again on a new one, with the same
   idempotency key.
4. Requests are HTTP/1.1: each has its connection for itself, so that no slow answer
   stands in another's way.

What surrounds it
-----------------
- ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` are obeyed as curl
  obeys them, if the operator says so, except that a job whose URL names a loopback
  address never meets a proxy.  The guard then sees the proxy's address, and the proxy
  alone decides where the request ends up.
- Certificates are verified against the system's authorities, or ``SSL_CERT_FILE``, or
  those that a job names; a job may do without.
- ``.netrc`` and curl's own configuration are not read, cookies are not kept.
- Names are resolved on libcurl's threads, newer versions use at most twenty: if the name
  servers of twenty different hosts are silent, further new names wait for them.
"""

from executor.adapters.http_target.launcher import HttpLauncher

__all__ = ["HttpLauncher"]
